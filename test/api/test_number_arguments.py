"""Numbers among the arguments of an API method: sizes with a unit, and one line for what is no number."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.api.numbers import checked_number
from cloudinary_cli.api.values import Parameter
from cloudinary_cli.errors import CliError
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]


@pytest.fixture
def run(server: CloudinaryServer, invoke: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("f.bin").write_bytes(b"0123456789" * 500)
    return lambda *args: invoke("-c", server.config_url(), *args)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("6000000", 6_000_000),
        (6000000, 6_000_000),
        (6e6, 6_000_000),
        ("6000000B", 6_000_000),
        ("6000k", 6_000_000),
        ("6000kB", 6_000_000),
        ("6000KB", 6_000_000),
        ("6 MB", 6_000_000),
        ("6M", 6_000_000),
        ("6mb", 6_000_000),
        ("1.5G", 1_500_000_000),
        ("2GB", 2_000_000_000),
        ("6000KiB", 6_000 * 1024),
        ("6MiB", 6 * 1024**2),
        ("0.5GiB", 1024**3 // 2),
        (None, None),
    ],
)
def test_a_size_may_have_a_unit(text: Any, size: Any) -> None:
    assert checked_number(text, Parameter("chunk_size", "int")) == size


@pytest.mark.parametrize(
    "text", ["", "six", "6XB", "MB", "-6MB", "0", "0.1", "1e9999", "6M6", "6MBB", True, [6], "NaN"]
)
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(CliError, match="chunk_size=6MB"):
        checked_number(text, Parameter("chunk_size", "int"))


@pytest.mark.parametrize(
    "words",
    [
        ["chunk_size=6MB"],
        ["chunk_size=6000000"],
        ["--chunk-size", "6MB"],
        ["-o", "chunk_size", "6000000"],
        ["-O", "chunk_size", "6MB"],
    ],
)
def test_a_large_upload_is_sent_in_parts_of_that_size(server: CloudinaryServer, run: Run, words: List[str]) -> None:
    Path("f.bin").write_bytes(b"0123456789" * 1_250_000)
    result = run("uploader", "upload_large", "f.bin", *words)
    assert (result.code, result.err) == (0, "")
    assert [len(request.files["file"].content) for request in server.requests] == [6_000_000, 6_000_000, 500_000]


@pytest.mark.parametrize(
    "words",
    [
        ["uploader", "upload_large", "f.bin", "chunk_size=2kB"],
        ["uploader", "upload", "f.bin", "chunk_size=5242880"],
        ["upload_dir", ".", "-o", "chunk_size", "5MB"],
        ["sync", ".", "f", "--push", "-o", "chunk_size", "5MiB"],
    ],
)
def test_a_chunk_size_that_the_service_refuses_is_an_error_before_any_request(
    server: CloudinaryServer, run: Run, words: List[str]
) -> None:
    result = run(*words)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err == (
        "error: chunk_size must be larger than 5 MiB (5242880 bytes): Cloudinary refuses smaller chunks. Write for"
        " example: chunk_size=6MB\n"
    )


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["uploader", "upload_large", "f.bin", "chunk_size=6XB"], "chunk_size=6MB"),
        (["uploader", "upload", "f.bin", "chunk_size=big"], "chunk_size=6MB"),
        (["uploader", "upload", "f.bin", "timeout=fast"], "timeout=60"),
        (["uploader", "upload", "f.bin", "timeout=-1"], "timeout=60"),
        (["uploader", "upload", "f.bin", "-o", "timeout", "0"], "timeout=60"),
        (["uploader", "upload", "f.bin", "timestamp=now"], "timestamp=10"),
        (["uploader", "upload", "f.bin", "auto_tagging=much"], "auto_tagging=0.5"),
        (["admin", "resources", "max_results=ten"], "max_results=10"),
        (["admin", "resources", "max_results=1.5"], "max_results=10"),
        (["admin", "resources", "--max-results", "true"], "max_results=10"),
        (["admin", "resources", "-o", "max_results", "1", "-o", "max_results", "2"], "max_results=10"),
        (["admin", "ping", "timeout=fast"], "timeout=60"),
        (["utils", "verify_notification_signature", "b", "ten", "s"], "timestamp=10"),
        (["utils", "verify_notification_signature", "b", "10", "s", "valid_for=long"], "valid_for=10"),
        (["upload_dir", ".", "-o", "timeout", "fast"], "timeout=60"),
        (["sync", ".", "f", "--push", "-o", "timestamp", "now"], "timestamp=10"),
    ],
)
def test_what_is_no_number_is_one_line_before_any_request(
    server: CloudinaryServer, run: Run, words: List[str], advice: str
) -> None:
    result = run(*words)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err.startswith(f"error: {advice.partition('=')[0]} must be a ")
    assert result.err.endswith(f" Write for example: {advice}\n") and result.err.count("\n") == 1


def test_a_number_as_text_is_sent(server: CloudinaryServer, run: Run) -> None:
    run("admin", "resources", "-o", "max_results", "10", "timeout=2.5")
    run("admin", "resources", "max_results=1e2")
    assert [request.query["max_results"] for request in server.requests] == [["10"], ["100"]]


def test_a_signature_version_that_is_no_number_is_a_configuration_error(server: CloudinaryServer, invoke: Run) -> None:
    result = invoke("-c", server.config_url(signature_version="two"), "admin", "ping")
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err == "error: The configuration's signature_version is not a whole number.\n"
