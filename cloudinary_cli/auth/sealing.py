"""Logins whose tokens are encrypted in config.json: the sealed form, its key in the keychain; no protocol, no store.

A sealed entry is an ordinary saved URL: the values of `oauth_token` and `refresh_token` are ciphertexts, and the query
key `keyring` names the key. Listing, locking, adopting and journalling compare and keep these values as they are; only
who sends a token opens it. Sealed form: `sealed1.` and base64url of nonce (96 bits, random) and AES-256-GCM ciphertext
with tag (NIST SP 800-38D). Bound in as associated data: which token it is, and where it may be sent. So a changed
`upload_prefix` does not get the token, nor does a ciphertext open in the place of another.

`cryptography` and the keychain are touched when a token is opened or sealed, not before.
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
from typing import Any, Dict, NamedTuple, Optional

from cloudinary_cli import defaults
from cloudinary_cli.auth.keychain import INSTALL, Keychain
from cloudinary_cli.auth.refresh_rules import relogin_advice
from cloudinary_cli.auth.session import Session, from_fields
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import KeychainUnavailable, ReloginRequired

PREFIX = "sealed1."
_KEY_BYTES = 32
_NONCE_BYTES = 12


class NewKey(NamedTuple):
    """A key made for one login: its id, and the name of the keychain that keeps it."""

    key_id: str
    keychain: str


class Vault:
    """Opens and seals sessions; a key is fetched from the keychain once per process. Safe for threads."""

    def __init__(self) -> None:
        self._keychain = Keychain()
        self._keys: Dict[str, bytes] = {}
        self._lock = threading.Lock()

    def probe(self) -> None:
        """Whether a key could be made. :raises KeychainUnavailable: says why not."""
        _cipher()
        self._keychain.get("probe")

    def new_key(self) -> NewKey:
        """Make a key and put it into the keychain. :raises KeychainUnavailable: it is not there."""
        _cipher()
        key_id, key = secrets.token_hex(8), secrets.token_bytes(_KEY_BYTES)
        keychain = self._keychain.put(key_id, base64.urlsafe_b64encode(key).decode("ascii"))
        self._keys[key_id] = key
        return NewKey(key_id, keychain)

    def seal(self, session: Session, key_id: Optional[str]) -> Session:
        """The session with its tokens encrypted; without a key, the session itself.

        No I/O for a key made or used before in this process, so that it cannot fail once a refresh token is spent.
        """
        if key_id is None:
            return session
        sealed = replace(session, key_id=key_id)
        key = self._key(sealed, "")
        refresh = session.refresh_token
        return replace(
            sealed,
            access_token=_seal(key, session.access_token, _bound(sealed, "oauth_token")),
            refresh_token=_seal(key, refresh, _bound(sealed, "refresh_token")) if refresh else None,
        )

    def open(self, session: Session, name: str = "") -> Session:
        """The session with its tokens in clear; one that is not sealed is returned as it is.

        :param name: of the login, for the error.
        :raises KeychainUnavailable: the keychain is locked, missing, or does not answer.
        :raises ReloginRequired: there is no key any more, or the entry was changed.
        """
        if session.key_id is None:
            return session
        key = self._key(session, name)
        try:
            access = _open(key, session.access_token, _bound(session, "oauth_token"))
            refresh = session.refresh_token
            refresh = _open(key, refresh, _bound(session, "refresh_token")) if refresh else None
        except ValueError:
            raise _lost("cannot be decrypted: its entry was changed after the login", session, name) from None
        return replace(session, access_token=access, refresh_token=refresh, key_id=None)

    def forget(self, key_id: Optional[str]) -> None:
        """Remove a key from the keychain. A failure is said, and stops nothing: without its entry, it opens nothing."""
        if key_id is None:
            return
        self._keys.pop(key_id, None)
        try:
            self._keychain.delete(key_id)
        except KeychainUnavailable as error:
            logger.warning("The key '%s' stays in the keychain, where it opens nothing any more. %s", key_id, error)

    def _key(self, session: Session, name: str) -> bytes:
        key_id = session.key_id or ""
        with self._lock:
            if key_id not in self._keys:
                _cipher()
                try:
                    text = self._keychain.get(key_id)
                except KeychainUnavailable as error:
                    raise _unavailable(error, session, name) from error
                self._keys[key_id] = _decoded(text, session, name)
            return self._keys[key_id]


@lru_cache(maxsize=None)
def vault() -> Vault:
    """The process's vault."""
    return Vault()


def require_keychain(session: Session, name: str) -> None:
    """Fail while the session is sealed and the keychain cannot be asked: later, it can be revoked.

    A session whose key is gone passes, since nobody can ever open it.

    :raises KeychainUnavailable: says how to remove the login all the same.
    """
    try:
        vault().open(session)
    except KeychainUnavailable as error:
        command = f"cld config -rm {shlex.quote(name)}"
        raise KeychainUnavailable(f"{error} Or remove the login without revoking it: {command}") from error
    except ReloginRequired:
        pass


def token_of_fields(fields: Dict[str, Any]) -> Optional[str]:
    """The access token among the attributes of a config, opened when it is sealed."""
    token = fields.get("oauth_token")
    if not isinstance(token, str) or not token.startswith(PREFIX):
        return token
    return vault().open(replace(from_fields(fields), refresh_token=None)).access_token


def is_wanted(choice: Optional[bool], old: Optional[Session]) -> bool:
    """Whether a login shall be sealed: as asked for, else as the one that it replaces."""
    return choice if choice is not None else old is not None and old.key_id is not None


def _unavailable(error: KeychainUnavailable, session: Session, name: str) -> KeychainUnavailable:
    if not name:
        return error
    advice = relogin_advice(name, session)[len("Run: ") :]
    return KeychainUnavailable(f"{error} Without the keychain, log in again: {advice} --no-keyring")


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


def _bound(session: Session, token: str) -> bytes:
    """What a ciphertext is valid for: this token, of this login, for these servers."""
    api_host = session.upload_prefix or defaults.api_host_for_region(session.region)
    parts = [PREFIX, session.key_id, token, session.cloud_name, session.region, api_host, session.oauth_base_url or ""]
    return json.dumps(parts).encode("ascii")


def _cipher() -> Any:
    try:
        with warnings.catch_warnings():
            # "Support for this Python will be dropped" is not for the reader of a command's stderr.
            warnings.simplefilter("ignore")
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise KeychainUnavailable(f"Encryption needs the Python package 'cryptography'. Run: {INSTALL}") from error
    return AESGCM


def _seal(key: bytes, token: str, bound: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    data = nonce + _cipher()(key).encrypt(nonce, token.encode("utf-8"), bound)
    return PREFIX + base64.urlsafe_b64encode(data).decode("ascii")


def _open(key: bytes, sealed: str, bound: bytes) -> str:
    """:raises ValueError: not sealed, or not by this key for this place."""
    from cryptography.exceptions import InvalidTag

    if not sealed.startswith(PREFIX):
        raise ValueError("not sealed")
    data = base64.urlsafe_b64decode(sealed[len(PREFIX) :].encode("ascii"))
    try:
        text: str = _cipher()(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound).decode("utf-8")
    except InvalidTag:
        raise ValueError("altered") from None
    return text
