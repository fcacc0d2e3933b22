"""The commands that README.md, AGENTS.md and docs/ show are run, in order, against the sandbox; each command is shown at least once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from test.support.command_tree import all_commands, leaf_commands
from test.support.fork_server import ForkServer
from test.support.keychain import KeychainFile
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient

REPO = Path(__file__).resolve().parent.parent
PAGES = [page for page in sorted([*REPO.glob("*.md"), *REPO.glob("docs/*.md")]) if "\n$ cld" in page.read_text("utf-8")]
# It prints JSON values, several if there are, and fails without one and on what is not JSON.
JQ = f"""#!{sys.executable}
import json, sys
text = sys.stdin.read().strip()
while True:
    value, end = json.JSONDecoder().raw_decode(text)
    print(json.dumps(value))
    text = text[end:].strip()
    if not text:
        break
"""
posix = pytest.mark.skipif(os.name == "nt", reason="the examples are for a POSIX shell")


def examples(page: Path) -> List[str]:
    """The lines after `$` in the page's console blocks."""
    return examples_in(page.read_text(encoding="utf-8"))


def examples_in(text: str) -> List[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def shell(box: SandboxClient, home: Path, tmp_path: Path, keychain: KeychainFile, fork_server: ForkServer) -> Any:
    """Run one line in bash, with `cld` and `jq` on PATH, the sandbox's variables and a keychain."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "cld").write_text(f'#!/bin/sh\nexec {" ".join(fork_server.command)} "$@"\n')
    (tools / "jq").write_text(JQ)
    for tool in tools.iterdir():
        tool.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100) + b"\xff\xd9")
    env: Dict[str, str] = {**os.environ, **box.server.environment(home)}
    env["PATH"] = f"{tools}{os.pathsep}{env['PATH']}"
    env["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        command = ["bash", "-o", "pipefail", "-c", line]
        return subprocess.run(
            command, cwd=str(folder), env=env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )

    return run


def parts() -> List[Any]:
    """(page, lines) of each page with examples; of commands.md, whose sections are independent, of each section."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        sections = re.split(r"^## ", text, flags=re.M) if page.name == "commands.md" else [text]
        for section in sections:
            title = section.partition("\n")[0] if len(sections) > 1 else ""
            if examples_in(section):
                found.append(pytest.param(page, examples_in(section), id=f"{page.name} {title}".strip()))
    return found


@posix
@pytest.mark.parametrize(("page", "lines"), parts())
def test_examples_run(page: Path, lines: List[str], shell: Any) -> None:
    for line in lines:
        done = shell(line)
        assert done.returncode == 0, f"{page.name}: {line}\n{done.stdout}{done.stderr}"


def test_every_page_with_examples_is_run() -> None:
    run = [line for part in parts() for line in part.values[1]]
    assert sorted(run) == sorted(line for page in PAGES for line in examples(page))


def test_every_command_has_an_example() -> None:
    lines = [line for page in PAGES for line in examples(page)]
    shown = {" ".join(words) for words in leaf_commands(hidden=False)}
    missing = [name for name in shown if not any(re.search(rf"\bcld (-C \w+ )?{name}\b", line) for line in lines)]
    assert not missing, f"no example of {sorted(missing)} in README.md or docs/"


def test_the_readme_and_the_page_of_commands_name_every_command() -> None:
    for page in (REPO / "README.md", REPO / "docs" / "commands.md"):
        text = page.read_text(encoding="utf-8")
        missing = [words[0] for words in leaf_commands(hidden=False) if f"cld {words[0]}" not in text]
        assert not missing, f"{page.name} does not name {sorted(set(missing))}"


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_help_of_every_command(words: Tuple[str, ...], invoke: Any) -> None:
    for flag in ("--help", "-h"):
        done = invoke(*words, flag)
        assert done.code == 0 and done.out.startswith(f"Usage: cld {' '.join(words)} ") and done.err == ""
