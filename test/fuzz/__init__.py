"""Fuzzers. The tests run them for a limited time with fixed seeds; CONTRIBUTING.md says how to run them longer."""
