"""The access to the system's keychain, with real backends of the package keyring."""

from __future__ import annotations

import pytest

from cloudinary_cli.auth.keychain import Keychain
from cloudinary_cli.errors import KeychainUnavailable
from test.support.keychain import KeychainFile


def test_a_secret_is_stored_read_and_deleted(keychain: KeychainFile) -> None:
    chain = Keychain()
    assert chain.get("a") is None
    assert "FileKeyring" in chain.put("a", "s\u00e9cret")
    assert chain.get("a") == "s\u00e9cret"
    chain.delete("a")
    chain.delete("a")
    assert chain.get("a") is None


@pytest.mark.parametrize(
    "backend, text",
    [
        ("LockedKeyring", "The keychain is locked"),
        ("CrashingKeyring", "The keychain refused: while sending access_token=****."),
        ("keyring.backends.fail.Keyring", "This system has no keychain"),
        ("keyring.backends.null.Keyring", "did not store the key"),
        ("no.such.Backend", "The keychain refused: ModuleNotFoundError: No module named 'no'."),
    ],
)
def test_the_error_of_an_unusable_keychain_has_the_reason(keychain: KeychainFile, backend: str, text: str) -> None:
    keychain.use(backend)
    with pytest.raises(KeychainUnavailable) as caught:
        Keychain().put("a", "secret")
    assert text in str(caught.value) and "\n" not in str(caught.value)
