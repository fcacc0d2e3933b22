"""Helpers of the tests: servers on 127.0.0.1, terminals, a keychain, and clients of the sandbox."""
