"""`--csv-escape`: text that a spreadsheet would run as a formula gets an apostrophe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List

import pytest

from test.support.cloudinary_server import CloudinaryServer
from test.support.search_results import rows

Run = Callable[..., Any]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]
HARMLESS = ["", "a=1", "1-1", "'=1", " =1", "é"]


@pytest.fixture
def run(server: CloudinaryServer, invoke: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *args: invoke("-c", server.config_url(), *args)


@pytest.mark.parametrize("columns", [[], ["-ff", "public_id"]])
def test_text_that_begins_like_a_formula_gets_an_apostrophe(
    server: CloudinaryServer, run: Run, columns: List[str]
) -> None:
    server.reply({"resources": [{"public_id": text} for text in FORMULAS + HARMLESS]})
    assert run("search", "--csv", "f", "--csv-escape", *columns).code == 0
    assert rows("f.csv")[1:] == [[f"'{text}"] for text in FORMULAS] + [[text] for text in HARMLESS]


def test_a_header_that_begins_like_a_formula_gets_an_apostrophe(server: CloudinaryServer, run: Run) -> None:
    server.reply({"resources": [{"=cmd": "x", "bytes": 1}]})
    assert run("search", "--csv", "f", "--csv-escape").code == 0
    assert rows("f.csv") == [["'=cmd", "bytes"], ["x", "1"]]


def test_numbers_lists_and_empty_cells_stay(server: CloudinaryServer, run: Run) -> None:
    server.reply({"resources": [{"a": -1, "b": -2.5, "c": None, "d": ["=x"], "e": True}]})
    assert run("search", "--csv", "f", "--csv-escape").code == 0
    assert rows("f.csv")[1] == ["-1", "-2.5", "", '["=x"]', "True"]


def test_folders_are_escaped_too(server: CloudinaryServer, run: Run) -> None:
    server.reply({"folders": [{"name": "=x"}]})
    assert run("search_folders", "--csv", "f", "--csv-escape").code == 0
    assert rows("f.csv") == [["name"], ["'=x"]]


def test_only_the_csv_file_is_escaped_and_only_on_request(server: CloudinaryServer, run: Run) -> None:
    server.reply({"resources": [{"public_id": "=x"}]}, {"resources": [{"public_id": "=x"}]})
    result = run("search", "--csv", "f", "--csv-escape", "--json", "f.json")
    assert '"=x"' in result.out and '"=x"' in Path("f.json").read_text(encoding="utf-8")
    run("search", "--csv", "f")
    assert rows("f.csv") == [["public_id"], ["=x"]]


@pytest.mark.parametrize("command", ["search", "search_folders"])
def test_without_csv_the_option_is_refused(server: CloudinaryServer, run: Run, command: str) -> None:
    result = run(command, "--csv-escape", "--json", "f.json")
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert "--csv-escape changes the file of --csv, so it needs --csv FILE." in result.err
