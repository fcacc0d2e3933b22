"""Access to the operating system's keychain (package `keyring`), with a time limit on each call.

Each call runs in its own process (keychain_helper), which is killed when the time is up. A keychain that hangs in an
import or in C code therefore leaves no thread or process behind. The helper has no terminal, so a backend cannot prompt
there; it can still open a window.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any, Dict, Mapping, Optional

from cloudinary_cli.defaults import keyring_timeout
from cloudinary_cli.errors import KeychainUnavailable
from cloudinary_cli.text import one_line, redact

SERVICE = "cloudinary-cli"
INSTALL = "pip install 'cloudinary-cli[keyring]'"

# The parent's import path is passed on. Otherwise, a keyring.py in the working directory would be imported first.
_BOOTSTRAP = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); from cloudinary_cli.auth.keychain_helper import main; main()"
)
_UNLOCK = "Unlock it and run the command again."
_REASONS = {
    "missing": f"The keychain needs the Python package '{{}}'. Run: {INSTALL}",
    "none": "This system has no keychain that the package keyring supports.",
    "locked": f"The keychain is locked. {_UNLOCK}",
    "refused": f"The keychain refused: {{}}. {_UNLOCK}",
}


class Keychain:
    """The secrets of the service `cloudinary-cli`, by account. Thread-safe.

    A failure is remembered, so that a command waits for an unresponsive keychain once, and not once per login.
    """

    def __init__(self) -> None:
        self._failure: Optional[KeychainUnavailable] = None
        self._lock = threading.Lock()

    def get(self, account: str) -> Optional[str]:
        """The secret; None when there is none. :raises KeychainUnavailable: the keychain cannot be read."""
        return self._call("get", account)["value"]  # type: ignore[no-any-return]

    def put(self, account: str, secret: str) -> str:
        """Store a secret and read it back; returns the keychain's name. :raises KeychainUnavailable: not stored."""
        result = self._call("set", account, secret)
        if result["value"] != secret:
            raise KeychainUnavailable(f"The keychain ({result['keychain']}) did not store the key.")
        return str(result["keychain"])

    def delete(self, account: str) -> None:
        """Delete a secret, if there is one. :raises KeychainUnavailable: it may still be there."""
        if self._call("delete", account)["value"] is not None:
            raise KeychainUnavailable("The keychain did not delete it.")

    def _call(self, op: str, account: str, value: Optional[str] = None) -> Mapping[str, Any]:
        request = {"op": op, "service": SERVICE, "account": account, "value": value}
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                return _run_helper(request, keyring_timeout())
            except KeychainUnavailable as error:
                self._failure = error
                raise


def _run_helper(request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
    command = [sys.executable, "-I", "-c", _BOOTSTRAP, "\n".join(path for path in sys.path if path)]
    new_session: Dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    try:
        helper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **new_session
        )
    except OSError as error:
        raise KeychainUnavailable(f"The keychain's helper cannot be started: {error.strerror or error}.") from error
    with helper:
        try:
            out, err = helper.communicate(json.dumps({**request, "limit": timeout + 1}).encode("ascii"), timeout)
        except subprocess.TimeoutExpired:
            raise KeychainUnavailable(f"The keychain did not respond within {timeout:g} s. {_UNLOCK}") from None
        finally:
            _kill(helper)
    return _parse(out, err)


def _kill(helper: "subprocess.Popen[bytes]") -> None:
    """Kill the helper and the programs that its backend has started."""
    if helper.returncode is not None:
        return  # it has ended, and its process ID may be in use again
    if os.name == "posix":
        import signal

        try:
            os.killpg(helper.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # the group is empty; macOS raises the latter
            pass
    else:
        helper.kill()


def _parse(out: bytes, err: bytes) -> Mapping[str, Any]:
    try:
        result: Mapping[str, Any] = json.loads(out)
    except (ValueError, RecursionError):
        lines = err.decode("utf-8", "replace").strip().splitlines() or ["no response"]
        result = {"problem": "refused", "detail": lines[-1]}
    if "problem" in result:
        detail = redact(one_line(str(result["detail"]).strip().rstrip("."))) or "no reason given"
        raise KeychainUnavailable(_REASONS[result["problem"]].format(detail))
    return result
