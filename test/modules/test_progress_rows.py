"""What each command shows in a real terminal while it works: its rows, and a clean screen at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator, List, Sequence

import pytest

from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.migrate_requests import TEMPLATE, write
from test.support.screen import final_lines
from test.support.sync_account import Account, make
from test.support.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pseudo-terminal")

LARGE = b"x" * (3 << 20)
SLOW = 3.0  # seconds: longer than the time after which a small item gets a row
EMOJI = "\U0001f600\u65e5\u672c\u8a9e"


def shows(url: str, *args: str, rows: Sequence[str], columns: int = 80) -> List[str]:
    """Run `cld` with this configuration until it has shown these texts, in order; the lines that remain at the end."""
    with Terminal.cld("-c", url, *args, columns=columns) as terminal:
        for row in rows:
            terminal.expect(row)
        assert terminal.wait() == 0, terminal.text
        lines = final_lines(terminal, columns)
    assert not any(row in line for line in lines for row in rows), lines
    return lines


@pytest.mark.parametrize(("columns", "row"), [(40, "1.5 MiB  "), (80, "1.5 MiB of 3.0 MiB  ")])
def test_a_download_shows_its_bytes(account: Account, server: CloudinaryServer, columns: int, row: str) -> None:
    account.add(EMOJI * 8, LARGE)
    server.on("GET", "/id-0.jpg", Reply(body=LARGE, pause=1.5))
    lines = shows(account.config_url(), "sync", "d", "f", "--pull", "-F", rows=[row, "0/1"], columns=columns)
    assert (Path("d") / f"{EMOJI * 8}.jpg").read_bytes() == LARGE
    assert any(line.startswith("Ended after ") for line in lines)


def test_listing_and_hashing_are_shown_before_a_sync(account: Account, server: CloudinaryServer) -> None:
    size = 1 << 30
    make("d")
    with open("d/big.jpg", "wb") as file:
        file.truncate(size)  # sparse
    account.add("big", bytes=size, etag="0" * 32)
    server.on("POST", "/resources/search", Reply(body={"resources": account.results}, delay=0.5))
    rows = ["Listing Cloudinary folder f", "Hashing local files", "0/1"]
    lines = shows(account.config_url(), "sync", "d", "f", "--push", "--dry-run", rows=rows)
    assert "Nothing was changed (--dry-run)." in lines and "Done!" not in lines


def test_a_clone_shows_the_listing_the_copies_and_the_total(source: Source, target: Target) -> None:
    for name in ("a", EMOJI):
        source.add(f"shop/{name}")
    target.server.on("POST", "/upload", lambda request: Reply(body=target.respond_to_upload(request), delay=SLOW))
    there = target.server.config_url("dst", "tkey:tsecret")
    rows = [f"upload/shop/{EMOJI}", "2 s", "0/2"]
    lines = shows(source.server.config_url("src", "skey:ssecret"), "clone", there, rows=rows)
    assert "Copied 2 asset(s) from src to dst" in lines


def test_the_listing_of_a_clone_is_shown_between_its_pages(source: Source, target: Target) -> None:
    source.page_size = 1
    source.add("a"), source.add("b")
    pages: Iterator[Reply] = iter([Reply(), Reply(delay=1)])
    source.server.on(
        "POST",
        "/resources/search",
        lambda request: Reply(body=source.respond_to_search(request), delay=next(pages).delay),
    )
    there = target.server.config_url("dst", "tkey:tsecret")
    shows(source.server.config_url("src", "skey:ssecret"), "clone", there, "-F", rows=["Listing src", "1/2"])


def test_a_migration_shows_slow_items_and_their_number(server: CloudinaryServer, mapping_url: str) -> None:
    server.on("HEAD", f"/{EMOJI}.jpg", Reply(delay=SLOW))
    urls = write(f"{TEMPLATE}a.jpg", f"{TEMPLATE}{EMOJI}.jpg")
    lines = shows(mapping_url, "migrate", "m", urls, rows=[f"{EMOJI}.jpg", "2 s", "1 done"])
    assert "2 URLs uploaded" in lines


def test_a_regeneration_shows_the_listing_slow_items_and_the_total(server: CloudinaryServer) -> None:
    items = [{"public_id": name, "resource_type": "image", "type": "upload"} for name in ("a", "b")]
    server.on("GET", "/transformations", Reply(body={"name": "w_5", "named": False, "derived": items}, delay=0.5))
    regenerated: Any = {"public_id": "a", "eager": [{"secure_url": "https://x/a.jpg"}]}
    server.on("POST", "/explicit", Reply(body=regenerated, delay=SLOW))
    rows = ["Listing derived assets", "image/upload/a", "2 s", "0/2"]
    shows(server.config_url(), "regen_derived", "w_5", "-F", rows=rows)


@pytest.mark.parametrize(
    ("command", "path", "row"),
    [
        (["admin", "usage"], "/usage", "usage"),
        (["upload", "http://photos.example/a.jpg"], "/upload", "http://photos.example/a.jpg"),
        (["search", "cat"], "/resources/search", "Searching resources"),
    ],
    ids=["admin", "upload", "search"],
)
def test_a_request_that_is_slow_or_repeated_is_shown(
    server: CloudinaryServer, command: Sequence[str], path: str, row: str
) -> None:
    body = {"resources": [{"public_id": "a"}]}
    server.on("*", path, Reply(503, {"error": {"message": "busy"}}, {"Retry-After": "1"}), Reply(body=body, delay=SLOW))
    shows(server.config_url(), *command, rows=[row, "retrying (2/", row, "2 s"])


@pytest.mark.parametrize("columns", [40, 200])
def test_rows_of_many_items_follow_the_window(server: CloudinaryServer, mapping_url: str, columns: int) -> None:
    for number in range(4):
        server.on("HEAD", f"/{EMOJI}-{number}.jpg", Reply(delay=SLOW + 2))
    urls = write(*(f"{TEMPLATE}{EMOJI}-{number}.jpg" for number in range(4)))
    with Terminal.cld("-c", mapping_url, "migrate", "m", urls, columns=80) as terminal:
        terminal.expect(f"{EMOJI}-3.jpg")
        terminal.resize(columns, 10)
        terminal.expect("\x1b[J")  # a frame that was perhaps drawn before the change
        terminal.expect("\x1b[J")
        frame = terminal.expect("\x1b[J")
        assert all(f"{EMOJI}-{number}.jpg" in frame for number in range(4)), frame
        assert {len(row.partition("\x1b")[0]) for row in frame.split("\n") if "-1.jpg" in row} == {columns - 1 - 4}
        assert terminal.wait() == 0


def test_no_progress_hides_the_rows_of_a_search(server: CloudinaryServer) -> None:
    first = {"resources": [{"public_id": "a"}], "total_count": 2, "next_cursor": "c"}
    server.on("POST", "/resources/search", first, Reply(body={"resources": [{"public_id": "b"}]}, delay=1))
    command = ("-c", server.config_url(), "search", "cat", "-A", "-F", "--no-progress")
    with Terminal.cld(*command, columns=80, pipe_stdout=True) as terminal:
        assert terminal.wait() == 0
        assert terminal.raw == ""


@pytest.mark.parametrize("command", [("upload",), ("uploader", "upload")], ids=" ".join)
def test_no_progress_hides_the_rows_of_an_upload(server: CloudinaryServer, command: Sequence[str]) -> None:
    make(".", **{"large.bin": LARGE})
    server.on("POST", "/upload", Reply(body={"public_id": "large"}, delay=1))
    words = ("-c", server.config_url(), *command, "large.bin", "--no-progress")
    with Terminal.cld(*words, columns=80, pipe_stdout=True) as terminal:
        assert terminal.wait() == 0
        assert terminal.raw == ""


def test_no_progress_hides_the_rows_of_a_check(account: Account) -> None:
    make("d", "a.jpg")
    account.add("a", b"a.jpg")
    account.server.on("POST", "/resources/search", Reply(body={"resources": account.results}, delay=1))
    with Terminal.cld("-c", account.config_url(), "check", "d", "f", "--no-progress", columns=80) as terminal:
        assert terminal.wait() == 0
        assert "= a.jpg" in terminal.text and "\x1b[J" not in terminal.raw
