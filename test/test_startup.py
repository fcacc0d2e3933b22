"""What a command imports: `cld --version` is click and little else, and importing a module does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Set

import pytest

from test.test_architecture import FILES, name_of

HEAVY = {"cloudinary", "requests", "urllib3", "pygments", "filelock", "jinja2", "ssl", "flask", "certifi"}

IMPORTED = """
import json, sys
from cloudinary_cli.cli import main
code = main(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(*args: str) -> Set[str]:
    done = subprocess.run([sys.executable, "-c", IMPORTED, *args], capture_output=True, text=True, timeout=60)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["login", "--help"], ["config", "-ls", "--json"]])
def test_light_commands_import_no_heavy_module(args: "list[str]") -> None:
    found = modules_after(*args) & HEAVY
    assert not found, f"cld {' '.join(args)} imports {sorted(found)}"


IMPORT_ALONE = """
import os, sys, builtins
seen = []
class Watched(dict): pass
def watch(event, args):
    if event == "open" and args[0] and not str(args[0]).endswith((".py", ".pyc", ".so", ".pem")) and "site-packages" not in str(args[0]):
        flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append((event, str(args[0])))
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "webbrowser.open", "os.putenv"):
        seen.append((event, str(args)[:80]))
import platform, urllib3  # the SDK and urllib3 look at the machine when imported: their own doing
platform.platform(); platform.processor()
before = dict(os.environ)
sys.addaudithook(watch)
__import__(sys.argv[1])
assert dict(os.environ) == before
print([item for item in seen if item[0] != "os.putenv"])
"""


@pytest.mark.parametrize("path", [p for p in FILES if p.name != "__main__.py"], ids=name_of)
def test_importing_a_module_does_nothing(path: Path) -> None:
    module = ".".join(["cloudinary_cli", name_of(path)]).rstrip(".")
    env = {"CLOUDINARY_URL": "http://not-a-config", "CLOUDINARY_OAUTH_REDIRECT_PORT": "abc"}
    import os

    done = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_ALONE, module], capture_output=True, text=True, env={**os.environ, **env}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
