"""The documentation site builds without warnings, and the pictures show what `cld` does today."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from test.support.command_tree import leaf_commands

REPO = Path(__file__).resolve().parent.parent
IMAGES = REPO / "docs" / "images"
PICTURES = sorted(IMAGES.glob("*.svg"))
REBUILD = "Run: python docs/images/build.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/site/mkdocs.yml", "-d", str(folder)]
    done = subprocess.run(command, cwd=str(REPO), capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_has_every_page_and_picture(site: Path) -> None:
    pages = [path.stem for path in (REPO / "docs").glob("*.md")]
    for page in [*pages, "agents", "changelog", "contributing", "vulnerabilities", "reference"]:
        assert (site / page / "index.html").exists(), page
    for picture in [*PICTURES, IMAGES / "callback.png"]:
        assert (site / "images" / picture.name).read_bytes() == picture.read_bytes()


def test_the_command_reference_has_every_command(site: Path) -> None:
    text = (site / "reference" / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h\d id=\"[^\"]*\">(cld [\w ]+)", text)
    assert {" ".join(["cld", *words]) for words in leaf_commands(hidden=False)} <= set(headings)
    assert "<code>--keyring, --no-keyring</code>: Encrypt the tokens" in text


def test_links_between_files_of_the_repository_are_links_between_pages(site: Path) -> None:
    for page in site.glob("**/*.html"):
        targets = re.findall(r"href=\"([^\"]*\.md[^\"]*)\"", page.read_text(encoding="utf-8"))
        assert [target for target in targets if not target.startswith("https://")] == [], page


# -- pictures


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_pictures_are_small_and_need_nothing_from_elsewhere(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert len(text) <= 60_000
    hosts = set(re.findall(r"https?://([\w.]+)", text))
    assert hosts <= {"127.0.0.1", "www.w3.org"}, "the shown address of the sandbox, and the XML namespace"
    names = {element.tag.split("}")[1] for element in ElementTree.fromstring(text).iter()}
    assert names <= {"svg", "title", "desc", "style", "rect", "path", "circle", "text"}
    assert "prefers-color-scheme:dark" in text and "url(" not in text


def rebuilt(name: str, folder: Path) -> str:
    pytest.importorskip("pyte", reason="pyte is not installed")
    command = [sys.executable, str(IMAGES / "build.py"), name, "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    return (folder / name).read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_the_picture_of_errors_shows_the_errors_of_today(tmp_path: Path) -> None:
    assert rebuilt("error.svg", tmp_path) == (IMAGES / "error.svg").read_text(encoding="utf-8"), REBUILD


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
@pytest.mark.parametrize(
    "name, shown",
    [
        ("login.svg", "Logged in. Saved as"),
        ("sync.svg", "cld sync photos shop --push"),
        ("pull.svg", "Downloading 26 files from Cloudinary"),
        ("hashing.svg", "Listing Cloudinary folder shop"),
        ("clone.svg", "Copying 18 asset(s) from sandbox to backup"),
        ("migrate.svg", "cld migrate legacy urls.txt"),
        ("regen_derived.svg", "cld regen_derived w_300"),
    ],
)
def test_sessions_are_recorded_from_real_runs(name: str, shown: str, tmp_path: Path) -> None:
    assert shown in rebuilt(name, tmp_path) and shown in (IMAGES / name).read_text(encoding="utf-8"), REBUILD


def test_the_picture_of_the_performance_shows_the_saved_results(tmp_path: Path) -> None:
    assert rebuilt("performance.svg", tmp_path) == (IMAGES / "performance.svg").read_text(encoding="utf-8"), REBUILD
