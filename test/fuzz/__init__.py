"""Fuzzers: bounded and seeded as tests, longer by hand (see CONTRIBUTING.md)."""
