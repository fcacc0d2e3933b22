"""`cld migrate` and its file: delimiters, stdin, pipes, encodings, large files, and credentials in URLs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer import entries
from test.support.bulk_processes import start, wait_until
from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.commands import Run, posix
from test.support.migrate_requests import TEMPLATE, requested, write


@pytest.mark.parametrize(
    ("delimiter", "text"),
    [
        (",", "{0}a.jpg,{0}b.jpg,\n"),
        ("\\t", "{0}a.jpg\t{0}b.jpg"),
        ("\\n", "{0}a.jpg\r\n\r\n{0}b.jpg\r\n"),
        ("\\r\\n", "{0}a.jpg\r\n{0}b.jpg"),
        ("\\0", "{0}a.jpg\0{0}b.jpg\0"),
        (" :: ", "{0}a.jpg :: {0}b.jpg"),
        ("\\\\", "{0}a.jpg\\{0}b.jpg"),
        ("\\n", "\ufeff{0}a.jpg\n{0}b.jpg"),
    ],
)
def test_delimiters(server: CloudinaryServer, migrate: Run, delimiter: str, text: str) -> None:
    Path("urls").write_bytes(text.format(TEMPLATE).encode())
    done = migrate("m", "urls", "-d", delimiter, "-w", "1")
    assert done.code == 0 and requested(server) == ["a.jpg", "b.jpg"], done.err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("m", "missing"), "No such file: missing"),
        (("m", "."), ". is a directory"),
        (("m", "urls", "-d", ""), "The delimiter is empty"),
        (("m", "urls", "-w", "0"), "x>=1"),
        (("m", "urls", "--shard", "2"), "write I/N"),
        (("m", "urls", "--report", "./urls"), "FILE and --report are the same file"),
    ],
)
def test_bad_input_is_an_error_before_any_request(server: CloudinaryServer, migrate: Run, args: Any, text: str) -> None:
    write(TEMPLATE + "a.jpg")
    done = migrate(*args)
    assert done.code == 1 and text in done.err and "Traceback" not in done.err and server.requests == []


def test_stdin_and_a_pipe(server: CloudinaryServer, mapping_url: str, cld: Run) -> None:
    done = cld("-c", mapping_url, "migrate", "m", "-", input=f"{TEMPLATE}a.jpg\n{TEMPLATE}b.jpg")
    assert done.code == 0 and sorted(requested(server)) == ["a.jpg", "b.jpg"], done.err


@posix
def test_urls_from_a_pipe_are_requested_before_it_ends(server: CloudinaryServer, mapping_url: str) -> None:
    read, write_end = os.pipe()
    process = start("-c", mapping_url, "migrate", "m", "-", stdin=read)
    os.close(read)
    os.write(write_end, f"{TEMPLATE}a.jpg\n".encode())
    wait_until(lambda: requested(server) == ["a.jpg"], process)
    os.write(write_end, f"{TEMPLATE}b.jpg\n".encode())
    os.close(write_end)
    assert process.wait(20) == 0 and requested(server) == ["a.jpg", "b.jpg"]


def test_a_url_that_is_not_utf_8_is_one_failure(server: CloudinaryServer, migrate: Run) -> None:
    Path("urls").write_bytes(f"{TEMPLATE}caf\xe9.jpg\n{TEMPLATE}b.jpg".encode("latin-1"))
    done = migrate("m", "urls")
    assert done.code == 1 and "it is not UTF-8 text" in done.err and requested(server) == ["b.jpg"]


def test_a_dry_run_names_what_would_fail_and_shows_the_other_urls(migrate: Run) -> None:
    Path("urls").write_bytes(f"{TEMPLATE}caf\xe9.jpg\nnonsense\n{TEMPLATE}b.jpg".encode("latin-1"))
    done = migrate("m", "urls", "--dry-run", "--report", "plan", "--json")
    assert done.code == 0 and json.loads(done.out)["would_upload"] == 1, done.err
    assert "warning: Skipping 'caf\\udce9.jpg', it is not UTF-8 text\n" in done.err
    assert "warning: Skipping 'nonsense', it does not belong to the upload mapping\n" in done.err
    assert "/m/b.jpg\n" in done.err and Path("plan").read_text().count("\n") == 1


def test_the_file_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("w") as file:
        for number in range(200_000):
            file.write(f"https://x/{number}{',' if number % 3 else ', '}")
    found = entries.read_entries(str(path), ",")
    assert [next(found) for _ in range(3)] == ["https://x/0", "https://x/1", "https://x/2"]
    assert sum(1 for _ in found) == 199_997
    path.write_text("x" * 3_000_000)
    with pytest.raises(CliError, match="Is the delimiter"):
        list(entries.read_entries(str(path), ","))


def test_selection_dry_run_and_shards(server: CloudinaryServer, migrate: Run) -> None:
    names = [f"d{number % 3}/f{number:02}.jpg" for number in range(30)]
    file = write(*(TEMPLATE + name for name in names), "https://other.example/x")
    done = migrate("m", file, "--include", "d1/", "--dry-run", "--json")
    assert done.code == 0 and json.loads(done.out)["would_upload"] == 10 and requested(server) == []
    for part in (1, 2, 3):
        migrate("m", file, "--shard", f"{part}/3")
    assert sorted(requested(server)) == sorted(names)


def test_credentials_in_urls_are_not_shown(server: CloudinaryServer, migrate: Run) -> None:
    server.on("GET", "/upload_mappings", {"folder": "m", "template": "https://u:hunter2@old.example/"})
    server.on("HEAD", "/a.jpg", Reply(404, b""))
    lines = ["https://u:hunter2@old.example/a.jpg", "https://v:hunter3@other.example/b.jpg"]
    done = migrate("m", write(*lines), "--report", "r.jsonl", "-v", "--json")
    assert done.code == 1 and "hunter" not in done.out + done.err + Path("r.jsonl").read_text()
    server.on("HEAD", "/a.jpg", {})
    assert json.loads(migrate("m", "urls", "--retry-failed", "r.jsonl", "--json").out)["uploaded"] == 1
