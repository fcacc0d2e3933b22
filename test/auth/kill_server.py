"""Run as a process by test_crash.py: forks children that refresh a login and die by SIGKILL at a chosen line.

Single-threaded on purpose, so that forking is sound. Reads one JSON request a line, writes one JSON line:
{"refresh": name, "kill_at": n}  ->  {"killed": true, "events": null} or {"killed": false, "events": count}
{"run": [args...]}               ->  {"code": exit status, "out": text, "err": text}
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from typing import Any, Dict

# Imported before the first fork, so that a child starts at once.
from cloudinary_cli import cli
from cloudinary_cli.api import command  # noqa: F401
from cloudinary_cli.auth import refresh
from cloudinary_cli.core import admin  # noqa: F401
from cloudinary_cli.sdk import activation, call, loader  # noqa: F401
from cloudinary_cli.utils import config_utils

NAMES = """system.signals auth.flow auth.refresh auth.refresh_entry auth.refresh_lock auth.refresh_request
    auth.refresh_rules auth.session auth.token_http
    system.lock config.store system.files""".split()
WATCHED = {sys.modules[f"cloudinary_cli.{name}"].__file__ for name in NAMES}


def refresh_and_die(name: str, kill_at: int) -> int:
    """Refresh, counting the lines run in the modules that matter; die at number `kill_at`."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    store = config_utils.ConfigStore()
    url = store.load()[name]
    sys.settrace(trace)
    result = refresh.Refresher(store).refresh(name, url)
    sys.settrace(None)
    assert result.error is None, result.error
    return count


def fork(work: Any) -> Dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdin = open(os.devnull)
            code = 99
            try:
                code = work()
                sys.stdout.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        killed = os.WIFSIGNALED(status)
        return {
            "killed": killed,
            "code": None if killed else os.WEXITSTATUS(status),
            "out": out.read().decode(),
            "err": err.read().decode(),
        }


def main() -> None:
    loader.module("admin")
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            result = fork(lambda: cli.main(request["run"]))  # noqa: B023 - called at once
        else:

            def work() -> int:
                print(refresh_and_die(request["refresh"], request["kill_at"]))  # noqa: B023
                return 0

            result = fork(work)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
