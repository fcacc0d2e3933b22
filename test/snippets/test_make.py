"""`cld make`: the lists, the names of templates, and `--output`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest

from cloudinary_cli.snippets import Catalog, TemplateQuery

Run = Callable[..., Any]


def test_lists_are_sorted_and_need_no_configuration(invoke: Run) -> None:
    done = invoke("make", "-ll", "python", "nonsense", "-lt")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == ["Available languages", "html", "node", "python", "ruby"]
    done = invoke("make", "-lt")
    titles = ["media library widget", "product gallery", "upload widget", "video player"]
    assert done.out.splitlines() == ["Available templates for language: html", *titles]
    done = invoke("make", "python", "upload", "--list-templates")
    titles = ["base", "explicit", "find all empty folders", "upload"]
    assert done.out.splitlines() == ["Available templates for language: python", *titles]


def test_lists_as_json(invoke: Run) -> None:
    assert json.loads(invoke("make", "-ll", "--json").out) == ["html", "node", "python", "ruby"]
    assert json.loads(invoke("make", "ruby", "-lt", "--json").out) == ["upload"]
    assert invoke("make", "--json").out == invoke("make").out, "nothing asked for is the help"


def test_a_snippet_as_json(make: Run) -> None:
    response = json.loads(make("python", "upload", "--json").out)
    assert response == {"language": "python", "name": "upload", "snippet": make("python", "upload").out[:-1]}
    done = make("python", "upload", "--json", "--output", "x")
    assert (done.code, done.out) == (1, "") and "cannot be combined" in done.err


@pytest.mark.parametrize("args", [("php", "-lt"), ("java", "upload"), ("upload", "PHP"), ("java",)])
def test_a_language_without_templates(make: Run, args: Any) -> None:
    done = make(*args)
    language = "php" if "java" not in args else "java"
    assert (done.code, done.out) == (1, "")
    assert done.err == f"error: No templates for {language}. Available languages: html, node, python, ruby.\n"


@pytest.mark.parametrize("word", ["html", "HTML", "python"])
def test_a_language_alone_lists_its_templates(invoke: Run, word: str) -> None:
    done = invoke("make", word)
    assert done.code == 0 and done.out == invoke("make", word, "-lt").out and "upload" in done.out


def test_no_argument_shows_the_help(invoke: Run) -> None:
    done = invoke("make")
    assert (done.code, done.err) == (0, "") and done.out.startswith("Usage: cld make")


@pytest.mark.parametrize(
    "words",
    [
        ["upload_widget"],
        ["upload-widget"],
        ["upload widget"],
        ["Upload", "WIDGET"],
        ["upload", "widget", "html"],
        ["HTML", "upload-widget"],
        ["  upload   widget "],
    ],
)
def test_spellings_of_a_name(make: Run, words: Any) -> None:
    done = make(*words)
    assert done.code == 0 and "createUploadWidget" in done.out and 'cloudName: "my-cloud"' in done.out


def test_the_last_word_is_the_language_before_the_first(make: Run) -> None:
    catalog = Catalog(Path("/nowhere"))
    assert catalog.wanted(["node", "upload", "python"]) == TemplateQuery("python", "node_upload")
    assert catalog.wanted(["upload_node"]) == TemplateQuery("html", "upload_node")
    assert make("find_all_empty_folders", "python").out == make("python", "find", "all", "empty", "folders").out != ""


def test_did_you_mean(make: Run) -> None:
    done = make("uplod", "python")
    assert done.code == 1 and done.err.count("\n") == 1
    assert "Template: 'uplod' for language: 'python' does not exist. Did you mean: upload?" in done.err
    assert "It exists for: python." in make("explicit", "ruby").err


@pytest.mark.parametrize(
    "words", [["html", "../python/base"], ["../python/base"], ["python/base"], ["/etc/passwd"], ["."], [".."], ["-"]]
)
def test_a_name_cannot_leave_its_language(make: Run, words: Any) -> None:
    done = make(*words)
    assert done.code == 1 and done.out == "" and "does not exist" in done.err


def test_output_writes_a_file_and_replaces_none(make: Run, tmp_path: Path) -> None:
    target = tmp_path / "widget.html"
    done = make("upload widget", "--output", str(target))
    assert (done.code, done.out, done.err) == (0, "", f"Written to {target}.\n")
    assert target.read_text() == make("upload widget").out
    done = make("video player", "--output", str(target))
    assert done.code == 1 and "exists already. Add -F" in done.err and "createUploadWidget" in target.read_text()
    assert make("video player", "--output", str(target), "-F").code == 0 and "videoPlayer" in target.read_text()
    assert make("video player", "--output", str(tmp_path / "no" / "x")).err.count("\n") == 1


@pytest.mark.parametrize(
    "args, reason",
    [
        (["video player", "--output", ""], "the name is empty"),
        (["video player", "--output", "new/"], "it has no file name"),
        (["video player", "--output", "."], "it is a directory"),
        (["video player", "--output", ".", "-F"], "it is a directory"),
        (["-ll", "--output", "x"], "--output and -F work with a snippet"),
        (["-lt", "-F"], "--output and -F work with a snippet"),
        (["--output", "x"], "Name the template: cld make upload widget --output"),
        (["video player", "--output", "/dev/full", "-F"], "/dev/full: No space left on device"),
    ],
)
def test_an_output_that_cannot_be_is_refused(make: Run, tmp_path: Path, args: Any, reason: str) -> None:
    if "/dev/full" in args and not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    before = sorted(tmp_path.iterdir())
    done = make(*args)
    assert (done.code, done.out) == (1, "") and reason in done.err and "Command execution" not in done.err
    assert sorted(tmp_path.iterdir()) == before
