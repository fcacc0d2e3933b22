"""Tests of the sandbox: real sockets, the real SDK as a client, nothing beyond 127.0.0.1."""
