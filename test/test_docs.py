"""What the documentation names exists: tests in docs/security.md, files in links, commands in the README."""

from __future__ import annotations

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
    section = SECURITY.read_text(encoding="utf-8").split("## What users of such tools report")[1]
    assert re.findall(r"^\| (\d+) \|", section, re.M) == [str(number) for number in range(1, 26)]


def test_the_map_names_what_is_there() -> None:
    """docs/architecture.md: each file and folder that it names exists, and each folder of the package is on it."""
    text = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = REPO / "cloudinary_cli"
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    for name in re.findall(r"`([\w/]+\.py)", text):
        assert any(f"/{file}".endswith(f"/{name}") for file in files) or (REPO / name).exists(), name
    layers = text.split("```text")[1].split("```")[0]
    for name in re.findall(r"[a-z_]+(?:\.[a-z_]+)?(?=[\s/])", re.sub(r"\(.*?\)|── .*?►", "", layers)):
        path = name.replace(".", "/")
        assert any(re.search(rf"(^|/){path}(\.py|/)", file) or f"/{path}" in f"/{file}" for file in files), name
    folders = {path.name for path in package.iterdir() if (path / "__init__.py").exists()}
    assert not [folder for folder in folders if f"`{folder}/`" not in text]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_exist(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
