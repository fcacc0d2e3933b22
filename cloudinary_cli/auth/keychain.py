"""The operating system's keychain (package `keyring`), with a limit on the time of each call; knows no login.

Each call is a process of its own (keychain_helper), killed when the time is over: a keychain that hangs, in its import
or in its C code, keeps neither the command nor a thread or process of it alive. The helper has no terminal, so a
backend cannot prompt there; a keychain that asks in a window of its own can.
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

# The parent's import path as it is: else the working directory would come first, with whatever keyring.py it has.
_BOOT = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); from cloudinary_cli.auth.keychain_helper import main; main()"
)
_UNLOCK = "Unlock it and run the command again."
_REASONS = {
    "missing": f"The keychain needs the Python package '{{}}'. Run: {INSTALL}",
    "none": "This system has no keychain that the package keyring knows.",
    "locked": f"The keychain is locked. {_UNLOCK}",
    "refused": f"The keychain refused: {{}}. {_UNLOCK}",
}


class Keychain:
    """Secrets of the service `cloudinary-cli` by account. Safe for threads.

    A failure is remembered, so that one command waits for a dead keychain once and not once per login.
    """

    def __init__(self) -> None:
        self._failure: Optional[KeychainUnavailable] = None
        self._lock = threading.Lock()

    def get(self, account: str) -> Optional[str]:
        """The secret; None when there is none. :raises KeychainUnavailable: it cannot be asked."""
        return self._call("get", account)["value"]  # type: ignore[no-any-return]

    def put(self, account: str, secret: str) -> str:
        """Store a secret and read it back; returns the keychain's name. :raises KeychainUnavailable: not kept."""
        answer = self._call("set", account, secret)
        if answer["value"] != secret:
            raise KeychainUnavailable(f"The keychain ({answer['keychain']}) does not keep what it is given.")
        return str(answer["keychain"])

    def delete(self, account: str) -> None:
        """Remove a secret; one that is not there is fine. :raises KeychainUnavailable: it may still be there."""
        if self._call("delete", account)["value"] is not None:
            raise KeychainUnavailable("The keychain did not remove it.")

    def _call(self, op: str, account: str, value: Optional[str] = None) -> Mapping[str, Any]:
        request = {"op": op, "service": SERVICE, "account": account, "value": value}
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                return _ask(request, keyring_timeout())
            except KeychainUnavailable as error:
                self._failure = error
                raise


def _ask(request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
    command = [sys.executable, "-I", "-c", _BOOT, "\n".join(path for path in sys.path if path)]
    new_session: Dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
    try:
        helper = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **new_session
        )
    except OSError as error:
        raise KeychainUnavailable(f"The keychain's helper cannot be started: {error.strerror or error}.") from error
    try:
        out, err = helper.communicate(json.dumps({**request, "limit": timeout + 1}).encode("ascii"), timeout)
    except subprocess.TimeoutExpired:
        raise KeychainUnavailable(f"The keychain did not answer within {timeout:g} s. {_UNLOCK}") from None
    finally:
        _end(helper)
    return _answer_in(out, err)


def _end(helper: "subprocess.Popen[bytes]") -> None:
    """Leave nothing behind: neither the helper, nor what it started (some backends run a program), nor a zombie."""
    if helper.returncode is not None:
        return  # it answered, and its number may be another process's by now
    if os.name == "posix":
        import signal

        try:
            os.killpg(helper.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # the group is empty; macOS says so with the latter
            pass
    else:
        helper.kill()
    for pipe in (helper.stdin, helper.stdout, helper.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was still to be written to a helper that has ended
                pass
    helper.wait()


def _answer_in(out: bytes, err: bytes) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = json.loads(out)
    except ValueError:
        lines = err.decode("utf-8", "replace").strip().splitlines() or ["no answer"]
        answer = {"problem": "refused", "detail": lines[-1]}
    if "problem" in answer:
        detail = redact(one_line(str(answer["detail"]).strip().rstrip("."))) or "no reason given"
        raise KeychainUnavailable(_REASONS[answer["problem"]].format(detail))
    return answer
