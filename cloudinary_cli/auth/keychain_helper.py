"""Runs in a process of its own: one call to the package `keyring`, asked for on stdin and answered on stdout, as JSON.

A keychain may hang, prompt, print or crash; here it can do that without taking `cld` along. Knows nothing of logins.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, Dict, Mapping, Optional


def main() -> None:
    """Answer the request on stdin. What a backend raises beside `keyring`'s own errors ends the process (status 1)."""
    request = json.loads(sys.stdin.buffer.read())
    if hasattr(signal, "setitimer"):
        # Should `cld` be killed meanwhile, this process ends too: the signal's default action needs no Python.
        signal.setitimer(signal.ITIMER_REAL, request["limit"])
    answer_to = os.dup(1)
    os.dup2(2, 1)  # a backend that prints must not write into the answer
    os.write(answer_to, json.dumps(answer(request)).encode("ascii"))


def answer(request: Mapping[str, Any]) -> Dict[str, Any]:
    """`{"value", "keychain"}` or `{"problem", "detail"}`.

    :param request: op (get, set or delete), service, account, value.
    """
    try:
        import keyring
        from keyring import errors
    except ImportError as error:
        return {"problem": "missing", "detail": error.name or "keyring"}
    try:
        backend = keyring.get_keyring()
        return {"value": _act(backend, request), "keychain": str(backend.name)}
    except errors.NoKeyringError:
        return {"problem": "none", "detail": ""}
    except errors.KeyringLocked as error:
        return {"problem": "locked", "detail": str(error)}
    except errors.KeyringError as error:
        return {"problem": "refused", "detail": str(error)}


def _act(backend: Any, request: Mapping[str, Any]) -> Optional[str]:
    from keyring import errors

    service, account = request["service"], request["account"]
    if request["op"] == "delete":
        try:
            backend.delete_password(service, account)
        except errors.PasswordDeleteError:
            # Gone already is as good. Anything else: still there, and the caller sees it in the value.
            pass
    elif request["op"] == "set":
        backend.set_password(service, account, request["value"])
    # Read back, also after a write: some backends take everything and keep nothing.
    value: Optional[str] = backend.get_password(service, account)
    return value
