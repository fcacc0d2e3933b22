"""The program of the helper process: makes one call to the package `keyring`. The request and the result are JSON.

A keychain that hangs, prompts, prints or crashes does not affect `cld`, because it does so in this process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, Dict, Mapping, Optional


def main() -> None:
    """Read a request from stdin and write the result to stdout. Errors of other packages end the process."""
    request = json.loads(sys.stdin.buffer.read())
    if hasattr(signal, "setitimer"):
        # End this process even if `cld` was killed and a backend hangs: the default action of SIGALRM needs no Python.
        signal.setitimer(signal.ITIMER_REAL, request["limit"])
    stdout = os.dup(1)
    os.dup2(2, 1)  # what a backend prints must not mix with the result
    os.write(stdout, json.dumps(perform(request)).encode("ascii"))


def perform(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Make the call; returns `{"value", "keychain"}` or `{"problem", "detail"}`.

    :param request: `op` (get, set or delete), `service`, `account`, `value`.
    """
    try:
        import keyring
        from keyring import errors
    except ImportError as error:
        return {"problem": "missing", "detail": error.name or "keyring"}
    try:
        backend = keyring.get_keyring()
        return {"value": _apply(backend, request), "keychain": str(backend.name)}
    except errors.NoKeyringError:
        return {"problem": "none", "detail": ""}
    except errors.KeyringLocked as error:
        return {"problem": "locked", "detail": str(error)}
    except errors.KeyringError as error:
        return {"problem": "refused", "detail": str(error)}


def _apply(backend: Any, request: Mapping[str, Any]) -> Optional[str]:
    from keyring import errors

    service, account = request["service"], request["account"]
    if request["op"] == "delete":
        try:
            backend.delete_password(service, account)
        except errors.PasswordDeleteError:
            # There is no such secret; otherwise, the caller sees the remaining value.
            pass
    elif request["op"] == "set":
        backend.set_password(service, account, request["value"])
    # Read the value back after a write, because some backends accept values and do not store them.
    value: Optional[str] = backend.get_password(service, account)
    return value
