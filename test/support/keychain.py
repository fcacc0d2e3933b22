"""A keychain for tests: a backend of the package keyring that stores passwords in a file of the test."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import pytest

from cloudinary_cli.auth.sealing import vault
from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.store import ConfigStore
from test.support.sandbox_client import SandboxClient

BACKENDS = "test.support.keyring_backends"


class KeychainFile:
    """The content of the keychain, and the backend that this process and its children use."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("CLD_TEST_KEYRING", str(path))
        # On a loaded machine, a slow backend must not count as one that hangs.
        monkeypatch.setenv("CLOUDINARY_CLI_KEYRING_TIMEOUT", "60")
        self.use("FileKeyring")

    def use(self, backend: str, timeout: str = "60") -> None:
        """Choose a backend of this package, or one of keyring's own by its full name; start with an empty keychain."""
        full = backend if "." in backend else f"{BACKENDS}.{backend}"
        self._monkeypatch.setenv("PYTHON_KEYRING_BACKEND", full)
        self._monkeypatch.setenv("CLOUDINARY_CLI_KEYRING_TIMEOUT", timeout)
        vault.cache_clear()

    @property
    def secrets(self) -> Dict[str, str]:
        return json.loads(self.path.read_text()) if self.path.exists() else {}  # type: ignore[no-any-return]

    def _lines(self, suffix: str) -> List[str]:
        path = Path(f"{self.path}.{suffix}")
        return path.read_text().split("\n")[:-1] if path.exists() else []

    @property
    def calls(self) -> List[str]:
        return [line.split()[1] for line in self._lines("log")]

    def forget_calls(self) -> None:
        if os.path.exists(f"{self.path}.log"):
            os.unlink(f"{self.path}.log")

    @property
    def started(self) -> List[int]:
        """Processes of the hanging backend."""
        return [int(line) for line in self._lines("pids")]

    def save_login(self, box: SandboxClient, store: ConfigStore, name: str = "box", **changes: Any) -> Session:
        """Save a login of the sandbox with sealed tokens; returns the session with its plain tokens."""
        session = replace(box.save_login(store, name, **changes))
        with store.transaction() as cfg:
            cfg[name] = to_cloudinary_url(vault().seal(session, vault().new_key()[0]))
        self.forget_calls()
        vault.cache_clear()
        return session


@pytest.fixture
def keychain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeychainFile:
    return KeychainFile(tmp_path / "keychain.json", monkeypatch)
