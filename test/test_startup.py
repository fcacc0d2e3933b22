"""What a command imports: `cld --version` is click and little else, and importing a module does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Set, Tuple

import pytest

from cloudinary_cli.auth.session import Session, to_cloudinary_url
from test.support.package_source import PACKAGE, Source

# What a request needs and a short command does not: HTTP, TLS, and what they pull in.
HTTP = {
    "requests",
    "urllib3",
    "certifi",
    "ssl",
    "_ssl",
    "http.client",
    "urllib.request",
    "email",
    "asyncio",
    "socketserver",
}
SLOW = {
    "cloudinary",
    "six",
    "pygments",
    "filelock",
    "jinja2",
    "flask",
    "tempfile",
    "importlib.metadata",
    "platform",
    "uuid",
}

# The commands that stay light. A new one is one more line.
LIGHT: Dict[str, List[str]] = {
    "version": ["--version"],
    "help": ["--help"],
    "login --help": ["login", "--help"],
    "config --help": ["config", "--help"],
    "config -ls": ["config", "-ls"],
    "config -ls --json": ["config", "-ls", "--json"],
    "config -s": ["config", "-s", "login"],
    "whoami": ["whoami"],
    "whoami --json": ["-C", "key", "whoami", "--json"],
}

IMPORTED = """
import json, sys, click
before = set(sys.modules)
from cloudinary_cli.cli import main
code = main(sys.argv[1:])
from_elsewhere = sorted(
    name.partition(".")[0] for name, module in list(sys.modules.items())
    if name not in before and "site-packages" in str(getattr(getattr(module, "__spec__", None), "origin", ""))
)
sys.stderr.write("\\n" + json.dumps([code, sorted(set(sys.modules) - before), from_elsewhere]))
"""


def imported_by(*args: str) -> Tuple[Set[str], Set[str]]:
    """The modules that a command imports on top of Click, and the packages outside the standard library among them."""
    done = subprocess.run([sys.executable, "-c", IMPORTED, *args], capture_output=True, text=True, timeout=60)
    code, modules, from_elsewhere = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    assert "cloudinary_cli.cli" in modules
    return set(modules), set(from_elsewhere)


@pytest.fixture
def saved(config_json: Path) -> Path:
    login = to_cloudinary_url(Session("acme", "token", "rt", 1, 2))
    config_json.write_text(json.dumps({"login": login, "key": "cloudinary://k:s@c", "__default__": "login"}))
    return config_json


@pytest.mark.parametrize("args", LIGHT.values(), ids=LIGHT)
def test_light_commands_import_no_http_and_no_third_party_but_click(args: List[str], saved: Path) -> None:
    modules, from_elsewhere = imported_by(*args)
    assert not modules & HTTP, f"cld {' '.join(args)} imports parts of HTTP"
    assert not modules & SLOW, f"cld {' '.join(args)} imports what it has no use for"
    assert from_elsewhere <= {"cloudinary_cli", "click"}


def test_version_and_help_load_no_configuration_code(saved: Path) -> None:
    for args in (["--version"], ["--help"]):
        ours = {name for name in imported_by(*args)[0] if name.startswith("cloudinary_cli.")}
        assert ours <= {
            *(
                f"cloudinary_cli.{name}"
                for name in "cli cli_group command console defaults errors logs version".split()
            ),
            "cloudinary_cli.text",
            # main() sets the signal handlers first of all.
            "cloudinary_cli.system",
            "cloudinary_cli.system.signals",
            "cloudinary_cli.system.signal_repeater",
        }


def test_whoami_reads_a_session_without_the_code_of_login_and_refresh(saved: Path) -> None:
    modules, _ = imported_by("whoami")
    assert {name for name in modules if name.startswith("cloudinary_cli.auth.")} == {"cloudinary_cli.auth.identity"}


def test_a_request_does_load_the_http_parts() -> None:
    """The guard above can fail: the same measurement finds them where they are needed."""
    modules, from_elsewhere = imported_by("admin", "-ls")
    assert {"urllib3", "ssl", "http.client", "cloudinary"} <= modules and "urllib3" in from_elsewhere


IMPORT_EACH = """
import os, sys, builtins
seen, importing = [], ""
def watch(event, args):
    if event == "open" and args[0] and not str(args[0]).endswith((".py", ".pyc", ".so", ".pem")) and "site-packages" not in str(args[0]):
        flags = args[2] if len(args) > 2 and isinstance(args[2], int) else 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append((importing, event, str(args[0])))
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "webbrowser.open"):
        seen.append((importing, event, str(args)[:80]))
import platform, urllib3  # the SDK and urllib3 look at the machine when imported: their own doing
platform.platform(); platform.processor()
before = dict(os.environ)
sys.addaudithook(watch)
for importing in sys.argv[1:]:
    __import__(importing)
    assert dict(os.environ) == before, importing
print(seen)
"""


def _packages() -> Dict[str, List[str]]:
    """The modules of each package; the modules outside packages count as one."""
    found: Dict[str, List[str]] = {}
    for name in Source(PACKAGE).paths:
        if name != "__main__":  # runs the command
            found.setdefault(name.rpartition(".")[0] or "cloudinary_cli", []).append(
                f"cloudinary_cli.{name}".rstrip(".")
            )
    return found


@pytest.mark.parametrize("modules", _packages().values(), ids=_packages())
def test_importing_a_module_does_nothing(modules: List[str]) -> None:
    env = {"CLOUDINARY_URL": "http://not-a-config", "CLOUDINARY_OAUTH_REDIRECT_PORT": "abc"}
    command = [sys.executable, "-B", "-c", IMPORT_EACH, *modules]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_an_import_that_does_something_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text("open('made', 'w').close()\n")
    command = [sys.executable, "-B", "-c", IMPORT_EACH, "busy"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert "made" in done.stdout, done.stderr
