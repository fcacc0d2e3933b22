"""Names that are not ASCII in a C locale, where Python reads and writes ASCII only: the right bytes all the same."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer
from test.support.sync_account import Account, make, tree

Run = Callable[..., Any]
C_LOCALE: Dict[str, str] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

pytestmark = pytest.mark.skipif(
    os.name == "nt" or sys.platform == "darwin", reason="Python takes UTF-8 there in every locale"
)


@pytest.fixture
def account(server: CloudinaryServer) -> Account:
    return Account(server)


@pytest.fixture
def run(account: Account, cld: Run) -> Run:
    return lambda *args: cld("-c", account.config_url(), *args, env=C_LOCALE)


@pytest.mark.parametrize("words", [["upload"], ["uploader", "upload_large"]])
def test_an_upload_sends_names_in_utf8(account: Account, run: Run, tmp_path: Path, words: List[str]) -> None:
    make(tmp_path, "é.png")
    result = run(*words, "é.png", "public_id=é", "tags=ü", "--save", "ö.json")
    assert (result.code, result.err) == (0, "")
    (request,) = account.server.requests
    assert (request.files["file"].filename, request.field("public_id"), request.field("tags")) == ("é.png", "é", "ü")
    assert json.loads(result.out)["public_id"] == "é"
    assert json.loads((tmp_path / "ö.json").read_text(encoding="utf-8"))["public_id"] == "é"


@pytest.mark.parametrize("command", [("upload_dir", "d", "-f"), ("sync", "d", "--push")], ids=lambda words: words[0])
def test_a_bulk_upload_sends_names_in_utf8(account: Account, run: Run, tmp_path: Path, command: Any) -> None:
    make(tmp_path / "d", "é.jpg", "x.jpg")
    result = run(*command, "ü", "-fm", "dynamic", "-o", "tags", "ö", "--include", "é*", "--report", "à.jsonl")
    assert result.code == 0, result.err
    (request,) = account.sent("POST", "/upload")
    folder = "ü/d" if command[0] == "upload_dir" else "ü"
    assert (request.files["file"].filename, request.field("tags")) == ("é.jpg", "ö")
    assert request.field("asset_folder") == folder
    line = json.loads((tmp_path / "à.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert line["path"] == "é.jpg"


def test_a_pull_writes_names_in_utf8(account: Account, run: Run, tmp_path: Path) -> None:
    account.add("é", b"content")
    result = run("sync", "ü", "f", "--pull", "-fm", "dynamic")
    assert result.code == 0, result.err
    assert tree(tmp_path / "ü") == {"é.jpg": b"content"}


def test_a_search_sends_and_saves_utf8(account: Account, run: Run, tmp_path: Path) -> None:
    account.results.append({"public_id": "é"})
    result = run("search", "tags=ü", "-f", "ö", "--csv", "à", "--json", "à.json")
    assert result.code == 0
    assert json.loads(result.out)["resources"] == [{"public_id": "é"}]
    assert account.server.requests[0].json == {"expression": "tags=ü", "with_field": ["ö"], "max_results": 10}
    assert (tmp_path / "à.csv").read_bytes().decode("utf-8") == "public_id\r\né\r\n"
    assert json.loads((tmp_path / "à.json").read_bytes().decode("utf-8")) == [{"public_id": "é"}]
    assert result.err == "Saved search JSON to 'à.json' file\nSaved search to 'à.csv' file\n"


def test_a_url_has_its_utf8_bytes(run: Run) -> None:
    assert run("url", "é", "--json").code == 0
    assert run("url", "é").out.endswith("/image/upload/%C3%A9\n")


def test_a_saved_name_is_the_same_in_every_locale(account: Account, cld: Run, config_json: Path) -> None:
    assert cld("config", "-n", "é", account.config_url(), env=C_LOCALE).code == 0
    assert "é" in json.loads(config_json.read_text(encoding="utf-8"))
    for env in (C_LOCALE, {"PYTHONUTF8": "1"}):
        assert cld("-C", "é", "admin", "ping", env=env).code == 0
        assert "é" in cld("config", "-ls", env=env).out
    assert cld("config", "-rm", "é", env=C_LOCALE).err.startswith("Config 'é' deleted.")


def test_an_error_names_what_was_typed(run: Run) -> None:
    result = run("upload", "é.png")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No such file or directory: 'é.png'.")


def test_bytes_that_are_not_utf8_are_one_line(run: Run) -> None:
    result = run("search", os.fsdecode(b"\xff"))
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: '\\udcff' is not UTF-8 text. Retype it in a UTF-8 terminal.\n"


def test_an_encoding_that_the_user_asked_for_is_kept(run: Run, cld: Run) -> None:
    env = {**C_LOCALE, "PYTHONIOENCODING": "ascii"}
    assert cld("upload", "é.png", env=env).err.isascii()
