"""`cld url`, `sample`, `couple`, `dog`: delivery URLs."""

from __future__ import annotations

import json
from typing import Any, Callable, List

import pytest

from cloudinary_cli.sdk.delivery import as_boolean

Run = Callable[..., Any]
DEMO = "cloudinary://key:secret@demo"
HOST = "https://res.cloudinary.com/demo"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["sample", "w_100"], f"{HOST}/image/upload/w_100/sample"),
        (["sample"], f"{HOST}/image/upload/sample"),
        (["folder/x"], f"{HOST}/image/upload/v1/folder/x"),
        (["é x", "-rt", "raw"], f"{HOST}/raw/upload/%C3%A9%20x"),
        (["x", "-t", "authenticated"], f"{HOST}/image/authenticated/s--iPuSXuUR--/x"),
        (["tag", "-t", "list"], f"{HOST}/image/list/tag.json"),
        (["https://a.b/c.jpg", "w_5", "--type", "fetch"], f"{HOST}/image/fetch/w_5/https://a.b/c.jpg"),
        (["c", "--resource_type", "video"], f"{HOST}/video/upload/c"),
        (["--", "-x"], f"{HOST}/image/upload/-x"),
    ],
)
def test_urls(invoke: Run, args: List[str], expected: str) -> None:
    result = invoke("-c", DEMO, "url", *args)
    assert (result.code, result.out, result.err) == (0, expected + "\n", "")


def test_a_url_as_json(invoke: Run) -> None:
    assert json.loads(invoke("-c", DEMO, "url", "sample", "w_5", "--json").out) == {
        "url": f"{HOST}/image/upload/w_5/sample"
    }


def test_url2png_is_signed(invoke: Run) -> None:
    out = invoke("-c", DEMO, "url", "-t", "url2png", "https://example.com/").out
    assert f"{HOST}/image/url2png/s--" in out
    assert invoke("-c", DEMO, "url", "x", "-s").out.startswith(f"{HOST}/image/upload/s--")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?secure=false", "http://res.cloudinary.com/demo/image/upload/x"),
        ("?secure=true", f"{HOST}/image/upload/x"),
        ("?secure=", f"{HOST}/image/upload/x"),
        ("?private_cdn=true", "https://demo-res.cloudinary.com/image/upload/x"),
        ("?private_cdn=false", f"{HOST}/image/upload/x"),
        ("/my.cdn.com", "https://my.cdn.com/image/upload/x"),
        ("?private_cdn=true&secure_distribution=my.cdn.com", "https://my.cdn.com/image/upload/x"),
        ("?cname=my.cdn.com&secure=false", "http://my.cdn.com/demo/image/upload/x"),
    ],
)
def test_the_configuration_is_honoured(invoke: Run, query: str, expected: str) -> None:
    assert invoke("-c", DEMO + query, "url", "x").out == expected + "\n"


def test_url_and_variables_agree(invoke: Run) -> None:
    in_url = invoke("url", "x", env={"CLOUDINARY_URL": f"{DEMO}?secure=false"})
    in_variable = invoke("url", "x", env={"CLOUDINARY_CLOUD_NAME": "demo", "CLOUDINARY_SECURE": "false"})
    assert in_url.out == in_variable.out == "http://res.cloudinary.com/demo/image/upload/x\n"


def test_an_unsigned_url_needs_only_a_cloud_name(invoke: Run) -> None:
    assert invoke("-c", "cloudinary://demo", "url", "x").code == 0
    assert invoke("-c", "cloudinary://demo?oauth_token=T", "url", "x").out == f"{HOST}/image/upload/x\n"


def test_a_login_cannot_sign(invoke: Run) -> None:
    for args in (["-s"], ["-t", "authenticated"], ["-t", "url2png"]):
        result = invoke("-c", "cloudinary://demo?oauth_token=TOKEN", "url", "x", *args)
        assert (result.code, result.out) == (1, "")
        assert result.err == (
            "error: A signed URL needs an API secret, and a login (`cld login`) has none."
            " Choose a configuration with an API key: cld -C <name> ...\n"
        )


def test_errors(invoke: Run) -> None:
    assert invoke("url", "x").err.startswith("error: No Cloudinary configuration found.")
    assert "CLOUDINARY_URL is invalid" in invoke("url", "x", env={"CLOUDINARY_URL": "foo"}).err
    for args in (["x", "-t", "nothing"], ["x", "-rt", "auto"], []):
        result = invoke("-c", DEMO, "url", *args)
        assert (result.code, result.out) == (1, "")
        assert "Usage: cld url" in result.err


def test_open(cld: Run) -> None:
    opened = cld("-c", DEMO, "url", "x", "-o", env={"BROWSER": "true"})
    assert (opened.code, opened.out, opened.err) == (0, f"{HOST}/image/upload/x\n", "")
    refused = cld("-c", DEMO, "url", "x", "--open")
    assert (refused.code, refused.out) == (0, f"{HOST}/image/upload/x\n")
    assert refused.err == "warning: No browser could be opened.\n"


@pytest.mark.parametrize(
    ("args", "path"),
    [
        (["sample"], "image/upload/sample"),
        (["sample", "w_100"], "image/upload/w_100/sample"),
        (["couple", "w_100"], "image/upload/w_100/couple"),
        (["dog"], "video/upload/dog"),
    ],
)
def test_samples_are_https_and_need_no_configuration(invoke: Run, args: List[str], path: str) -> None:
    result = invoke(*args, env={"CLOUDINARY_URL": "foo"})
    assert (result.code, result.out, result.err) == (0, f"{HOST}/{path}\n", "")
    assert invoke("-c", "cloudinary://a:b@other", *args).out == result.out


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        (None, None),
        ("", None),
        ("false", False),
        ("False", False),
        ("0", False),
        ("true", True),
        (True, True),
        (0, False),
    ],
)
def test_as_boolean(value: Any, meaning: Any) -> None:
    assert as_boolean(value) is meaning


def test_a_byte_order_mark_before_the_public_ids_is_ignored(cld: Run) -> None:
    assert cld("-c", DEMO, "url", "-", input="\ufeffa\nb\n").out == f"{HOST}/image/upload/a\n{HOST}/image/upload/b\n"


def test_json_of_stdin_stays_json_where_stdout_is_not_utf_8(cld: Run) -> None:
    result = cld("-c", DEMO, "url", "-", "--json", input="é\U0001f600", env={"PYTHONIOENCODING": "ascii"})
    assert json.loads(result.out)["public_id"] == "é\U0001f600"


def test_public_ids_of_stdin_give_one_url_a_line(cld: Run) -> None:
    result = cld("-c", DEMO, "url", "-", "w_100", input="a\n\nfolder/b\r\né x\nlast")
    ids = ["a", "v1/folder/b", "%C3%A9%20x", "last"]
    assert (result.code, result.err) == (0, "")
    assert result.out == "".join(f"{HOST}/image/upload/w_100/{public_id}\n" for public_id in ids)


def test_public_ids_of_stdin_as_json_lines(cld: Run) -> None:
    result = cld("-c", DEMO, "url", "-", "--json", "-rt", "video", input="a\nb\n")
    assert [json.loads(line) for line in result.out.splitlines()] == [
        {"public_id": name, "url": f"{HOST}/video/upload/{name}"} for name in ("a", "b")
    ]


def test_public_ids_of_stdin_are_utf8_in_a_c_locale(cld: Run) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert cld("-c", DEMO, "url", "-", input="é\n", env=env).out == f"{HOST}/image/upload/%C3%A9\n"


def test_no_public_ids_of_stdin_print_nothing(cld: Run) -> None:
    result = cld("-c", DEMO, "url", "-")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_url_is_printed_before_the_next_public_id_is_read(tmp_path: Any) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "cloudinary_cli", "-c", DEMO, "url", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=str(tmp_path)) as process:
        assert process.stdin is not None and process.stdout is not None
        for name in (b"a", b"b"):
            process.stdin.write(name + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == HOST.encode() + b"/image/upload/" + name + b"\n"
        process.stdin.close()
    assert process.returncode == 0


def test_public_ids_of_stdin_that_cannot_be_used(cld: Run, tmp_path: Any) -> None:
    opened = cld("-c", DEMO, "url", "-", "--open")
    assert opened.code == 1 and "--open takes one public ID" in opened.err
    name = tmp_path / "ids"
    name.write_bytes(b"good\n\xff\n")
    import subprocess
    import sys

    with name.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-m", "cloudinary_cli", "-c", DEMO, "url", "-"], stdin=file, capture_output=True
        )
    assert done.returncode == 1 and done.stdout == f"{HOST}/image/upload/good\n".encode()
    assert b"is not UTF-8 text" in done.stderr and b"Traceback" not in done.stderr
