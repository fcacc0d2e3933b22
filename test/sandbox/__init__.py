"""Tests of the sandbox, with the SDK as its client, on 127.0.0.1 only."""
