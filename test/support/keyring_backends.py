"""Backends for the package keyring, chosen with PYTHON_KEYRING_BACKEND; each notes its calls in CLD_TEST_KEYRING.log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


def _file() -> Path:
    return Path(os.environ["CLD_TEST_KEYRING"])


def _note(call: str) -> None:
    with open(f"{_file()}.log", "a", encoding="utf-8") as log:
        log.write(f"{os.getpid()} {call}\n")


class FileKeyring(KeyringBackend):
    """Keeps passwords in a JSON file."""

    priority: Any = 1

    def _load(self) -> Dict[str, str]:
        return json.loads(_file().read_text()) if _file().exists() else {}  # type: ignore[no-any-return]

    def get_password(self, service: str, username: str, *value: str) -> Optional[str]:
        _note("get")
        return self._load().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _note("set")
        _file().write_text(json.dumps({**self._load(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        _note("delete")
        content = self._load()
        if content.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not found")
        _file().write_text(json.dumps(content))


class ChattyKeyring(FileKeyring):
    """Writes to stdout and reads from the terminal, as some backends that prompt do."""

    def get_password(self, service: str, username: str, *value: str) -> Optional[str]:
        print("Please enter password for encrypted keyring: ")
        assert sys.stdin.read() == "", "no terminal and no input"
        try:
            os.open("/dev/tty", os.O_RDWR)
        except OSError:
            return super().get_password(service, username)
        raise AssertionError("the helper must not have the terminal")


class HangingKeyring(FileKeyring):
    """Never answers, and neither does the program that it starts."""

    def get_password(self, service: str, username: str, *value: str) -> Optional[str]:
        _note("get")
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        with open(f"{_file()}.pids", "a", encoding="utf-8") as pids:
            pids.write(f"{os.getpid()}\n{child.pid}\n")
        time.sleep(3600)
        return None

    set_password = delete_password = get_password  # type: ignore[assignment]


class LockedKeyring(FileKeyring):
    """Raises what a locked keychain raises."""

    def get_password(self, service: str, username: str, *value: str) -> Optional[str]:
        _note("get")
        raise KeyringLocked("Failed to unlock the collection!")

    set_password = delete_password = get_password  # type: ignore[assignment]


class CrashingKeyring(FileKeyring):
    """Fails with an error that is not one of keyring's own, and with a secret in its text."""

    def get_password(self, service: str, username: str, *value: str) -> Optional[str]:
        raise RuntimeError("bus gone\nwhile sending access_token=very-secret")

    set_password = delete_password = get_password  # type: ignore[assignment]
