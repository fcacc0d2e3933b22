"""Encrypts and decrypts the tokens of a login ("seals" and "opens" it) with a key in the system's keychain.

A sealed entry is an ordinary saved URL: the values of `oauth_token` and `refresh_token` are ciphertexts, and the query
key `keyring` is the ID of the key. Code that lists, locks or compares entries uses the sealed values; only code that
sends a token opens them. The sealed form is `sealed1.` and the base64url of a random 96-bit nonce and the AES-256-GCM
ciphertext with its tag (NIST SP 800-38D). The associated data include the kind of token and the servers that may
receive it, so a sealed token does not open after a change of `upload_prefix` or in the place of the other token.

`cryptography` and the keychain are used only when a token is sealed or opened.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import threading
import warnings
from dataclasses import replace
from functools import lru_cache
from typing import Any, Dict, Optional, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.auth.keychain import INSTALL, Keychain
from cloudinary_cli.auth.refresh_rules import relogin_advice, relogin_command
from cloudinary_cli.auth.session import Session, from_fields
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import KeychainUnavailable, ReloginRequired

PREFIX = "sealed1."
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals and opens sessions. Reads each key from the keychain once per process. Thread-safe."""

    def __init__(self) -> None:
        self._keychain = Keychain()
        self._keys: Dict[str, bytes] = {}
        self._lock = threading.Lock()

    def probe(self) -> None:
        """Check that a key could be created. :raises KeychainUnavailable: it could not."""
        _cipher()
        self._keychain.get("probe")

    def new_key(self) -> Tuple[str, str]:
        """Create a key in the keychain; returns its ID and the name of the keychain.

        :raises KeychainUnavailable: it was not stored.
        """
        _cipher()
        key_id, key = secrets.token_hex(8), secrets.token_bytes(_KEY_BYTES)
        keychain = self._keychain.put(key_id, base64.urlsafe_b64encode(key).decode("ascii"))
        self._keys[key_id] = key
        return key_id, keychain

    def seal(self, session: Session, key_id: Optional[str]) -> Session:
        """The session with its tokens encrypted; the session itself if `key_id` is None.

        For a key that this process has used before there is no I/O, so it cannot fail after a refresh token was used.
        """
        if key_id is None:
            return session
        sealed = replace(session, key_id=key_id)
        key = self._key(sealed, "")
        refresh = session.refresh_token
        return replace(
            sealed,
            access_token=_seal(key, session.access_token, _associated_data(sealed, "oauth_token")),
            refresh_token=_seal(key, refresh, _associated_data(sealed, "refresh_token")) if refresh else None,
        )

    def open(self, session: Session, name: str = "") -> Session:
        """The session with its tokens decrypted. A session that is not sealed is returned unchanged.

        :param name: of the login, for the error.
        :raises KeychainUnavailable: the keychain is locked, missing, or does not respond.
        :raises ReloginRequired: the key was deleted, or the entry was changed.
        """
        if session.key_id is None:
            return session
        key = self._key(session, name)
        try:
            access = _open(key, session.access_token, _associated_data(session, "oauth_token"))
            refresh = session.refresh_token
            refresh = _open(key, refresh, _associated_data(session, "refresh_token")) if refresh else None
        except ValueError:
            raise _lost("cannot be decrypted: its entry was changed after the login", session, name) from None
        return replace(session, access_token=access, refresh_token=refresh, key_id=None)

    def forget(self, key_id: Optional[str]) -> None:
        """Delete a key from the keychain. A failure is logged only, because the key is useless without its entry."""
        if key_id is None:
            return
        self._keys.pop(key_id, None)
        try:
            self._keychain.delete(key_id)
        except KeychainUnavailable as error:
            logger.warning("The key '%s' remains in the keychain. It is no longer used. %s", key_id, error)

    def _key(self, session: Session, name: str) -> bytes:
        key_id = session.key_id or ""
        with self._lock:
            if key_id not in self._keys:
                _cipher()
                try:
                    text = self._keychain.get(key_id)
                except KeychainUnavailable as error:
                    if not name:
                        raise
                    command = f"{relogin_command(name, session.region)} --no-keyring"
                    raise KeychainUnavailable(f"{error} Without the keychain, log in again: {command}") from error
                self._keys[key_id] = _decoded(text, session, name)
            return self._keys[key_id]


@lru_cache(maxsize=None)
def vault() -> Vault:
    """The vault of this process, which holds the keys that were read."""
    return Vault()


def require_keychain(session: Session, name: str) -> None:
    """Check that a sealed session can be opened, and so be revoked.

    A session whose key was deleted passes, because it can never be opened.

    :raises KeychainUnavailable: with the command that removes the login without revoking it.
    """
    try:
        vault().open(session)
    except KeychainUnavailable as error:
        command = f"cld config -rm {shlex.quote(name)}"
        raise KeychainUnavailable(f"{error} Or remove the login without revoking it: {command}") from error
    except ReloginRequired:
        pass


def token_of_fields(fields: Dict[str, Any]) -> Optional[str]:
    """The access token among the attributes of a config, decrypted if it is sealed."""
    token = fields.get("oauth_token")
    if not isinstance(token, str) or not token.startswith(PREFIX):
        return token
    return vault().open(replace(from_fields(fields), refresh_token=None)).access_token


def is_wanted(choice: Optional[bool], old: Optional[Session]) -> bool:
    """Whether to seal a login: the user's choice; without one, whether the login that it replaces is sealed."""
    return choice if choice is not None else old is not None and old.key_id is not None


def _lost(problem: str, session: Session, name: str) -> ReloginRequired:
    return ReloginRequired(
        f"The login '{name}' {problem}. {relogin_advice(name, session)}" if name else f"The login {problem}."
    )


def _decoded(text: Optional[str], session: Session, name: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode((text or "").encode("ascii"))
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise _lost("cannot be decrypted: its key is not in this keychain", session, name)
    return key


def _associated_data(session: Session, token: str) -> bytes:
    """The associated data of a ciphertext: the kind of token, the login and the servers."""
    api_host = session.upload_prefix or defaults.api_host_for_region(session.region)
    parts = [PREFIX, session.key_id, token, session.cloud_name, session.region, api_host, session.oauth_base_url or ""]
    return json.dumps(parts).encode("ascii")


def _cipher() -> Any:
    try:
        with warnings.catch_warnings():
            # On old versions of Python, cryptography warns that their support will end. Users cannot act on it.
            warnings.simplefilter("ignore")
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise KeychainUnavailable(f"Encryption needs the Python package 'cryptography'. Run: {INSTALL}") from error
    return AESGCM


def _seal(key: bytes, token: str, associated_data: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    data = nonce + _cipher()(key).encrypt(nonce, token.encode("utf-8"), associated_data)
    return PREFIX + base64.urlsafe_b64encode(data).decode("ascii")


def _open(key: bytes, sealed: str, associated_data: bytes) -> str:
    """:raises ValueError: not sealed, or not with this key and these associated data."""
    from cryptography.exceptions import InvalidTag

    if not sealed.startswith(PREFIX):
        raise ValueError("the token is not sealed")
    data = base64.urlsafe_b64decode(sealed[len(PREFIX) :].encode("ascii"))
    try:
        text: str = _cipher()(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], associated_data).decode("utf-8")
    except InvalidTag:
        raise ValueError("the tag does not match") from None
    return text
