"""What the documentation names exists: tests in docs/security.md, files in links, commands in the README."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
SECURITY = REPO / "docs" / "security.md"
PAGES = sorted([*REPO.glob("*.md"), *REPO.glob("docs/*.md")])


def named_tests() -> "list[tuple[str, str]]":
    """(file, test) for each `file.py::test` in a table row; `::test` alone belongs to the file before it."""
    found = []
    for line in SECURITY.read_text(encoding="utf-8").splitlines():
        file = ""
        for name in re.findall(r"`([\w/]*\.py)?((?:::\w+\*?)?)`", line):
            file = name[0] or file
            if file:
                found.append((file, name[1].lstrip(":")))
    return found


@pytest.mark.parametrize("file, test", named_tests())
def test_every_test_in_the_security_table_exists(file: str, test: str) -> None:
    path = REPO / (file if file.startswith("test/") else f"test/auth/{file}")
    source = path.read_text(encoding="utf-8")
    assert re.search(rf"def {test.replace('*', '')}", source), f"{test} is not in {path}"


def test_every_row_of_the_checklist_is_there() -> None:
    text = SECURITY.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| RFC", text, re.M)
    assert rows == [str(number) for number in range(1, 30)]


def test_every_report_of_users_is_there() -> None:
    section = SECURITY.read_text(encoding="utf-8").split("## What users of comparable tools report")[1]
    assert re.findall(r"^\| (\d+) \|", section, re.M) == [str(number) for number in range(1, 26)]


def test_the_page_of_the_architecture_names_what_is_there() -> None:
    """Each file and package that docs/architecture.md names exists, and it names each package and top-level module."""
    text = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = REPO / "cloudinary_cli"
    for name in re.findall(r"`([\w/]+\.py|[\w/]+/)`", text):
        assert (package / name).exists() or (REPO / name).exists(), name
    names = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    names |= {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert not [name for name in sorted(names) if f"`{name}`" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_messages_in_the_troubleshooting_section_are_messages_of_the_program() -> None:
    section = (REPO / "README.md").read_text(encoding="utf-8").split("\n## Troubleshooting\n")[1].split("\n## ")[0]
    messages = re.findall(r"^\| `([^`]+)` \|", section, re.M)
    files = (REPO / "cloudinary_cli").rglob("*.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    parts = [part.strip() for message in messages for part in message.split("\u2026")]
    assert len(messages) >= 5
    assert [part for part in parts if not any(part in text for text in texts)] == []
