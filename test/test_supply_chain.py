"""What is installed, built with and run in CI is declared and pinned."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Dict, List, Set

import pytest

REPO = Path(__file__).resolve().parent.parent
PACKAGE = REPO / "cloudinary_cli"
WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))


def declared(text: str) -> Set[str]:
    """Names of the requirements at the beginning of lines, in lower case."""
    return {name.lower() for name in re.findall(r"^([A-Za-z][\w-]*)(?=[<>=])", text, re.M)}


def imported(folder: Path, skip: str = "") -> Dict[str, str]:
    """Top-level names of all absolute imports below a folder, each with one file that imports it."""
    found: Dict[str, str] = {}
    for path in folder.rglob("*.py"):
        where = path.relative_to(folder).as_posix()
        if skip and where.startswith(skip):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update((alias.name.split(".")[0], where) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.split(".")[0]] = where
    return found


def third_party(names: Dict[str, str]) -> Dict[str, str]:
    standard = set(getattr(sys, "stdlib_module_names", ()))
    return {name.lower(): where for name, where in names.items() if name not in standard | {"cloudinary_cli"}}


@pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names came with Python 3.10")
def test_every_imported_package_is_a_declared_requirement() -> None:
    runtime = declared((REPO / "requirements.txt").read_text(encoding="utf-8"))
    setup = (REPO / "setup.py").read_text(encoding="utf-8")
    extras = {name.lower() for name in re.findall(r'"([A-Za-z][\w-]*)(?=[<>=])', setup)}
    undeclared = {name: where for name, where in third_party(imported(PACKAGE)).items() if name not in runtime | extras}
    assert not undeclared
    # The modules outside the sandbox run without any extra, except for the optional keyring.
    core = third_party(imported(PACKAGE, skip="sandbox/"))
    assert set(core) - runtime <= {"keyring", "cryptography"}


def test_actions_are_pinned_to_a_full_commit() -> None:
    lines = [line for path in WORKFLOWS for line in path.read_text(encoding="utf-8").splitlines()]
    used = [line.split("uses:")[1].strip() for line in lines if "uses:" in line]
    outside = [name for name in used if not name.startswith("./")]
    pinned = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\Z")
    assert outside and [name for name in outside if not pinned.match(name)] == []


def test_the_docker_base_image_is_pinned_to_a_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", (REPO / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert bases and [base for base in bases if not re.search(r":[\w.-]+@sha256:[0-9a-f]{64}\Z", base)] == []


def installed_tools() -> List[str]:
    """What `pip install` lines of the workflows and of .ci/test name, except for the project itself."""
    texts = [path.read_text(encoding="utf-8") for path in [*WORKFLOWS, REPO / ".ci" / "test"]]
    words = [word for text in texts for line in re.findall(r"pip\"? install (.+)", text) for word in line.split()]
    options = ("-", "'.", ".", "editable_mode=")
    return [word for word in words if not word.startswith(options)]


def test_build_and_check_tools_are_pinned_to_a_version() -> None:
    tools = installed_tools()
    assert tools and [tool for tool in tools if not re.match(r"[\w-]+==[\w.]+\Z", tool)] == []
