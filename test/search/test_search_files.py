"""`cld search --json`, `--csv`, `--jsonl` and `--quiet`: what is written, and when."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.peak_memory import peak_kib
from test.support.search_results import files, page, rows

Run = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("in_tmp_path")

DEMO = "cloudinary://key:secret@demo"
PATH = "/v1_1/demo/resources/search"


def test_files_and_stdout(server: CloudinaryServer, search: Run) -> None:
    item = {"public_id": "é", "tags": ["x", "y"], "context": {"k": 'a "quote"'}, "none": None}
    server.reply(page(resources=[item]))
    result = search("x", "--json", "a.txt", "--csv", "b")
    assert result.code == 0 and json.loads(result.out)["resources"] == [item]
    assert result.err.splitlines() == ["Saved search JSON to 'a.txt' file", "Saved search to 'b.csv' file"]
    assert Path("a.txt").read_text("utf-8") == json.dumps([item], indent=2, ensure_ascii=False)
    # JSON, not Python's repr().
    assert rows("b.csv") == [list(item), ["é", '["x", "y"]', '{"k": "a \\"quote\\""}', ""]]
    assert b"\r\n" in Path("b.csv").read_bytes()


def test_an_empty_result_is_one_empty_line(server: CloudinaryServer, search: Run) -> None:
    server.on("POST", "/search", page())
    search("x", "--csv", "a", "--json", "a.json")
    assert (Path("a.csv").read_bytes(), Path("a.json").read_text()) == (b"\r\n", "[]")
    search("x", "--csv", "b", "-ff", "bytes", "-f", "tags")
    assert Path("b.csv").read_bytes() == b"bytes,tags\r\n"


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_columns_are_in_the_order_of_first_appearance(server: CloudinaryServer, cld: Run, seed: str) -> None:
    first, second = {"z": 1, "m": 2, "a": 3}, {"a": 4, "late": 5, "k": 6}
    server.reply(page(resources=[first], cursor="2"), page(resources=[second]))
    args = ["-c", server.config_url(), "search", "-A", "-F", "--csv", "e"]
    assert cld(*args, env={"PYTHONHASHSEED": seed}).code == 0
    assert rows("e.csv") == [["z", "m", "a", "late", "k"], ["1", "2", "3", "", ""], ["", "", "4", "5", "6"]]


def test_with_a_filter_the_columns_are_the_filter(server: CloudinaryServer, search: Run) -> None:
    server.reply(page(resources=[{"a": 1, "b": 2, "t": 3, "x": 4}]))
    assert search("x", "--csv", "e", "-ff", "b,missing", "-ff", "a", "-f", "t").code == 0
    assert rows("e.csv") == [["b", "missing", "a", "t"], ["2", "", "1", "3"]]


def test_files_are_utf8_in_every_locale(server: CloudinaryServer, cld: Run) -> None:
    server.reply(page(resources=[{"public_id": "é漢"}], cursor="2"), page())
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    args = ["-c", server.config_url(), "search", "-A", "-F", "--csv", "f", "--json", "f.json"]
    result = cld(*args, env=c_locale)
    assert result.code == 0 and json.loads(result.out)["resources"] == [{"public_id": "é漢"}]
    assert rows("f.csv") == [["public_id"], ["é漢"]]
    assert json.loads(Path("f.json").read_bytes().decode("utf-8")) == [{"public_id": "é漢"}]


def test_the_query_is_utf8_in_every_locale(server: CloudinaryServer, cld: Run) -> None:
    server.on("*", "", page())
    c_locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert cld("-c", server.config_url(), "search", "tags=é", "-ff", "ü", env=c_locale).code == 0
    assert server.requests[0].json == {"expression": "tags=é", "max_results": 10}
    assert cld("-c", server.config_url(), "admin", "resources_by_tag", "é", env=c_locale).code == 0
    assert server.requests[1].path == "/v1_1/demo/resources/image/tags/é"
    assert cld("-c", DEMO, "url", "é", env=c_locale).out == "https://res.cloudinary.com/demo/image/upload/%C3%A9\n"
    result = cld("-c", server.config_url(), "search", os.fsdecode(b"\xff"))
    assert (result.code, result.out, len(server.requests)) == (1, "", 2)
    assert result.err == "error: '\\udcff' is not UTF-8 text. Retype it in a UTF-8 terminal.\n"


def test_json_lines(server: CloudinaryServer, search: Run) -> None:
    server.reply(page("a", "é", cursor="2"), page("b"))
    assert search("x", "-A", "-F", "--jsonl").out == '{"public_id": "a"}\n{"public_id": "é"}\n{"public_id": "b"}\n'
    server.reply(page("a", cursor="2"))
    assert search("x", "--jsonl").out == '{"public_id": "a"}\n'


@pytest.mark.parametrize("all_pages", [[], ["-A", "-F"]])
def test_quiet_prints_nothing_and_saves(server: CloudinaryServer, search: Run, all_pages: List[str]) -> None:
    server.on("POST", "/search", page("a", cursor="2"), page("b"))
    result = search("x", "--quiet", "--csv", "f", *all_pages)
    assert (result.code, result.out) == (0, "")
    assert rows("f.csv") == [["public_id"], ["a"], ["b"]][: 3 if all_pages else 2]


@pytest.mark.parametrize("args", [["--quiet"], ["--quiet", "--jsonl", "--csv", "f"]])
def test_quiet_needs_a_file(server: CloudinaryServer, search: Run, args: List[str]) -> None:
    result = search("x", *args)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert "Error: --quiet prints no results" in result.err


def test_pages_are_printed_as_they_come(server: CloudinaryServer) -> None:
    server.reply(page("a", cursor="2"), Reply(200, page("b"), delay=20))
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudinary_cli", "-c", server.config_url(), "search", "-A", "-F", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b'{"public_id": "a"}\n', "before the second page is there"
    finally:
        process.kill()
        process.communicate()


def test_paths_are_checked_before_the_request(server: CloudinaryServer, search: Run) -> None:
    for option in ("--json", "--csv"):
        result = search("x", option, "none/f")
        assert (result.code, result.out, server.requests) == (1, "", [])
        assert result.err.count("\n") == 1 and f"Cannot write the {option} file none/f" in result.err
    Path("here").touch()
    search("x", "--csv", "here", "--json", "none/f")
    assert files() == ["here"]


def test_a_pipe_gets_the_rows(server: CloudinaryServer, cld: Run) -> None:
    if not os.path.exists("/dev/stdout"):
        pytest.skip("no /dev/stdout")
    server.reply(page("a"))
    result = cld("-c", server.config_url(), "search", "--quiet", "--json", "/dev/stdout")
    assert (result.code, json.loads(result.out)) == (0, [{"public_id": "a"}])
    server.reply(page("a"))
    result = cld("-c", server.config_url(), "search", "--quiet", "--csv", "/dev/stdout")
    assert (result.code, result.out) == (0, "public_id\r\na\r\n"), "no file /dev/stdout.csv"


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs /dev/stdout")
@pytest.mark.parametrize(
    ("option", "name", "result"),
    [
        ("--csv", "/dev/stdout", "public_id\na\n"),
        ("--json", "/dev/fd/1", '[\n  {\n    "public_id": "a"\n  }\n]'),
    ],
)
def test_stdout_may_be_a_file_that_others_write_to(
    server: CloudinaryServer, option: str, name: str, result: str
) -> None:
    server.on("POST", "/search", page("a"))
    Path("out").write_text("earlier\n")
    program = f"(echo first; {sys.executable} -m cloudinary_cli search --quiet {option} {name}; echo last) >> out"
    environ = {**os.environ, "CLOUDINARY_URL": server.config_url()}
    subprocess.run(["sh", "-c", program], env=environ, check=True, timeout=60)
    assert files() == ["out"]
    assert Path("out").read_text() == f"earlier\nfirst\n{result}last\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_full_disk_is_one_line_that_names_the_file(server: CloudinaryServer, search: Run, option: str) -> None:
    server.reply(page("a"))
    result = search("--quiet", option, "/dev/full")
    message = f"error: Cannot write the {option} file /dev/full: No space left on device.\n"
    assert (result.code, result.out, result.err) == (1, "", message)


@pytest.mark.skipif(os.name == "nt", reason="needs a limit of the size of files")
def test_a_disk_that_is_full_before_all_rows_are_fetched_is_one_line_too(server: CloudinaryServer, cld: Run) -> None:
    import resource

    server.reply({"resources": [{"public_id": "x" * 100}] * 100})
    result = cld(
        *("-c", server.config_url(), "search", "--quiet", "--csv", "f"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    message = "error: Cannot write the --csv file f.csv: File too large.\n"
    assert (result.code, result.out, result.err) == (1, "", message)


def test_a_reader_that_closes_the_pipe_ends_the_command_quietly(server: CloudinaryServer) -> None:
    counter = iter(range(1000))
    many = [{"public_id": "x" * 1000}] * 100
    server.on("POST", "/search", lambda request: page(resources=many, cursor=str(next(counter))))
    program = f"{sys.executable} -m cloudinary_cli search -A -F --jsonl --csv f | head -1"
    environ = {**os.environ, "CLOUDINARY_URL": server.config_url()}
    done = subprocess.run(["sh", "-c", program], env=environ, capture_output=True, timeout=30)
    assert done.stdout.startswith(b'{"public_id"') and done.stderr == b""
    assert files() == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak of a process from /proc")
def test_memory_does_not_grow_with_the_result(server: CloudinaryServer, tmp_path: Path) -> None:
    def search_all(total: int) -> int:
        server.on("POST", PATH, lambda request: generated_page(request, total))
        return peak_kib("-c", server.config_url(), "search", "-A", "-F", "--csv", f"{total}.csv", "--quiet")

    small, large = search_all(2_000), search_all(20_000)
    table = rows(str(tmp_path / "20000.csv"))
    assert len(table) == 20_001
    last = dict(zip(table[0], table[-1]))
    assert last["public_id"] == "folder/é asset 19999" and last["late_field"] == "19999"
    # If the pages were kept in memory, the difference would be 37 MiB. It is well below 1 MiB otherwise.
    assert large - small < 8 * 1024, (small, large)


def generated_page(request: Request, total: int) -> Dict[str, Any]:
    """A page of 500 assets; `late_field` is first seen on the second page."""
    start = int(request.json.get("next_cursor", 0))
    end = min(start + 500, total)
    assets = [
        {
            "public_id": f"folder/é asset {number}",
            "secure_url": f"https://res.cloudinary.com/demo/image/upload/v1/{'x' * 600}{number}.jpg",
            "tags": ["shoes", f"tag{number % 7}"],
            **({"late_field": number} if number >= 500 else {}),
        }
        for number in range(start, end)
    ]
    return {"total_count": total, "resources": assets, **({"next_cursor": str(end)} if end < total else {})}
