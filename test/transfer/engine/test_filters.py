"""Globs, their order, shards, and reading a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudinary_cli.errors import CliError
from cloudinary_cli.text import nfc
from cloudinary_cli.transfer.engine.filters import Shard, compile_glob, failed_keys, item_filter
from cloudinary_cli.transfer.engine.records import Outcome, Status

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.jpg", "a.jpg", True),
        ("*.jpg", "deep/er/a.jpg", True),
        ("*.jpg", "a.jpg.txt", False),
        ("*.JPG", "a.jpg", False),
        ("tmp", "tmp/a.jpg", True),
        ("tmp", "x/tmp/y/a.jpg", True),
        ("tmp", "tmpx/a.jpg", False),
        ("tmp/", "tmp/a.jpg", True),
        ("tmp/", "x/tmp/a.jpg", True),
        ("tmp/", "x/tmp", False),
        ("/a.jpg", "a.jpg", True),
        ("/a.jpg", "x/a.jpg", False),
        ("x/*.jpg", "x/a.jpg", True),
        ("x/*.jpg", "x/y/a.jpg", False),
        ("x/**/*.jpg", "x/a.jpg", True),
        ("x/**/*.jpg", "x/y/z/a.jpg", True),
        ("x/**", "x/y/z", True),
        ("x/**", "x", False),
        ("**/a.jpg", "a.jpg", True),
        ("**/a.jpg", "q/a.jpg", True),
        ("x/b*", "x/bcd/e.jpg", True),
        ("?.jpg", "a.jpg", True),
        ("a?b.jpg", "a/b.jpg", False),
        ("[ab].jpg", "b.jpg", True),
        ("[!ab].jpg", "b.jpg", False),
        ("[!ab].jpg", "c.jpg", True),
        ("x/[!a]b", "x//b", False),
        ("a[1].jpg", "a1.jpg", True),
        ("a+(1).jpg", "a+(1).jpg", True),
        ("a.jpg", "aXjpg", False),
    ],
)
def test_globs(glob: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(glob).match(path)) is matches


@pytest.mark.parametrize("glob", ["", "/", "//"])
def test_an_empty_glob_is_refused(glob: str) -> None:
    with pytest.raises(CliError, match="is empty"):
        compile_glob(glob)


@quick
@given(st.text(max_size=12), st.text(max_size=12))
def test_any_glob_is_compiled_or_refused_and_a_plain_one_matches_itself(glob: str, path: str) -> None:
    try:
        compile_glob(glob).match(path)
    except CliError:
        pass
    plain = nfc("".join(char for char in glob if char not in "*?[]/\\"))
    assert not plain or compile_glob(plain).match(plain)


def test_the_first_match_decides_and_includes_alone_exclude_everything_else() -> None:
    both = item_filter([("include", "keep/*.tmp"), ("exclude", "*.tmp")])
    assert both.includes("keep/a.tmp") and not both.includes("a.tmp") and both.includes("a.jpg")
    only = item_filter([("include", "*.jpg")])
    assert only.includes("a.jpg") and not only.includes("a.png")
    turned = item_filter([("exclude", "*.tmp"), ("include", "keep/*.tmp")])
    assert not turned.includes("keep/a.tmp")
    assert item_filter().is_everything and not only.is_everything


@quick
@given(st.sets(st.text(min_size=1), max_size=50), st.integers(1, 9))
def test_every_path_is_in_exactly_one_shard(paths: "set[str]", count: int) -> None:
    shards = [item_filter(shard=f"{number}/{count}") for number in range(1, count + 1)]
    assert all(sum(shard.includes(path) for shard in shards) == 1 for path in paths)


def test_a_shard_is_the_same_in_every_release() -> None:
    # printf a | sha1sum, the first 16 digits modulo 3
    assert [path for path in "abcdefgh" if Shard.parse("2/3").includes(path)] == ["a", "b", "e", "g"]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_a_bad_shard_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(CliError, match="--shard 2/8"):
        Shard.parse(text)


def line(path: str, status: str) -> str:
    return json.dumps({"action": "upload", "path": path, "status": status}) + "\n"


def test_the_last_line_of_a_path_decides(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    statuses = [("a", "failed"), ("b", "failed"), ("a", "ok"), ("c", "cancelled"), ("d", "skipped"), ("e", "ok")]
    report.write_text("".join(line(path, status) for path, status in statuses))
    assert failed_keys(str(report)) == {"b", "c", "d"}
    chosen = item_filter(retry_failed=str(report))
    assert chosen.includes("b") and not chosen.includes("a") and not chosen.includes("new")


def test_a_report_may_have_a_byte_order_mark_and_empty_lines(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    report.write_text("\ufeff" + line("a", "failed") + "\r\n\n" + line("b", "failed") + "\n", encoding="utf-8")
    assert failed_keys(str(report)) == {"a", "b"}


def test_both_paths_of_a_failed_rename_are_selected(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    outcomes = [Outcome("rename", "b", Status.FAILED, origin="a"), Outcome("rename", "d", origin="c")]
    report.write_text("".join(json.dumps(outcome.as_json()) + "\n" for outcome in outcomes))
    assert failed_keys(str(report)) == {"a", "b"}


def test_the_files_of_a_directory_that_could_not_be_read_are_selected(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    report.write_text(line("s/shut/", "failed") + line("t/a", "failed"))
    selected = item_filter(retry_failed=str(report))
    assert [path for path in ("s/shut/a", "s/shut/t/b", "t/a", "s/a", "shut/a") if selected.includes(path)] == [
        "s/shut/a",
        "s/shut/t/b",
        "t/a",
    ]
    report.write_text(line("./", "failed"))
    assert item_filter(retry_failed=str(report)).includes("s/a")


@pytest.mark.parametrize("bad", ["{", "[]", '{"path": "a"}', "7"])
def test_a_file_that_is_not_a_report_is_refused_with_its_line(tmp_path: Path, bad: str) -> None:
    report = tmp_path / "r.jsonl"
    report.write_text(line("a", "failed") + bad + "\n")
    with pytest.raises(CliError, match=r"Line 2 of the --retry-failed file .*r\.jsonl"):
        failed_keys(str(report))
    with pytest.raises(CliError, match="Cannot read the --retry-failed file"):
        failed_keys(str(tmp_path / "none"))


def test_an_unreadable_directory_is_a_failure_unless_it_is_excluded() -> None:
    includes = item_filter([("include", "*.jpg")])
    assert includes.may_include("shut/") and not includes.includes("shut/")
    assert includes.may_include("a.jpg") and not includes.may_include("a.png")
    for glob in ("lost+found", "lost+found/", "/lost+found/**"):
        assert not item_filter([("exclude", glob)]).may_include("lost+found/")
        assert not item_filter([("exclude", glob), ("include", "*.jpg")]).may_include("lost+found/")
        assert item_filter([("include", "*.jpg"), ("exclude", glob)]).may_include("lost+found/")
    rooted = item_filter([("include", "a/b/*.jpg"), ("include", "c/**"), ("exclude", "*")])
    assert [path for path in ("./", "a/", "a/b/", "a/b/c/", "a/c/", "c/", "d/") if rooted.may_include(path)] == [
        "./",
        "a/",
        "a/b/",
        "a/b/c/",
        "c/",
    ]
    assert item_filter(shard="1/9").may_include("shut/") and item_filter(shard="2/9").may_include("shut/")


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        (r"a\[1].jpg", "a[1].jpg", True),
        (r"a\[1\].jpg", "a[1].jpg", True),
        (r"a\[1].jpg", "a1.jpg", False),
        (r"\*.jpg", "*.jpg", True),
        (r"\*.jpg", "a.jpg", False),
        (r"a\**", "a*b", True),
        (r"a\**", "ab", False),
        (r"\**/x", "*a/x", True),
        (r"a\?", "a?", True),
        (r"a\?", "ab", False),
        (r"\!a", "!a", True),
        (r"\#a", "#a", True),
        (r"a\\b", "a\\b", True),
        (r"a\\*", "a\\bc", True),
        (r"\a", "a", True),
        ("a\\ ", "a ", True),
        ("a\\ ", "a", False),
        (r"[\]]", "]", True),
        (r"[a\]]b", "]b", True),
        (r"[\!a]", "!", True),
        (r"[!\]]", "]", False),
        (r"[\\]", "\\", True),
        (r"[\^a]", "^", True),
        (r"[\a-c]", "b", True),
        (r"x/\[y]/*.jpg", "x/[y]/a.jpg", True),
    ],
)
def test_a_backslash_escapes_the_next_character(glob: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(glob).match(path)) is matches


@pytest.mark.parametrize("glob", ["a\\", "[a\\", "x/\\"])
def test_a_backslash_at_the_end_is_refused(glob: str) -> None:
    with pytest.raises(CliError, match="ends in a backslash"):
        compile_glob(glob)
