"""Text from a server, a file or the environment: it makes no new line, no control character, and no forged prefix."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, List
from urllib.parse import urlencode

import pytest

from cloudinary_cli.text import one_line, printable
from test.conftest import Result
from test.support.cloudinary_server import CloudinaryServer, Reply, Request
from test.support.terminal import run_in_terminal

Run = Callable[..., Result]
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX names and terminals")

# What a terminal obeys, reorders by or does not show: C0, C1, bidi controls, zero width, separators, lone surrogates.
CONTROLS = "\x1b[2J\x00\x07\x7f\x85\x9b\u061c\u200b\u200d\u200e\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\ud800"
BREAKS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")
FORGED = "Forged: nothing failed"
HOSTILE = "x" + "".join(f"{end}{FORGED}" for end in BREAKS) + CONTROLS
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def check(text: str) -> None:
    """No line of a terminal is somebody else's."""
    assert not UNSAFE.search(text), ascii(text)
    assert not [line for line in text.splitlines() if line.startswith(FORGED)], text


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def hostile(request: Request) -> Dict[str, Any]:
    """A reply to anything: every text in it is hostile."""
    asset = {
        **dict.fromkeys(
            """public_id format display_name asset_folder asset_id etag url secure_url filename created_at status
            access_mode original_filename batch_id""".split(),
            HOSTILE,
        ),
        "resource_type": "image", "type": "upload", "bytes": 3, "version": 1, "tags": [HOSTILE],
        "context": {"custom": {HOSTILE: HOSTILE}}, "metadata": {HOSTILE: HOSTILE},
        "derived": [{"transformation": HOSTILE, "id": HOSTILE}],
    }  # fmt: skip
    return {
        **asset,
        "resources": [asset, {**asset, "public_id": f"a/{HOSTILE}"}],
        "folders": [{"name": HOSTILE, "path": HOSTILE}],
        "derived": [{"transformation": HOSTILE, "id": HOSTILE, "resources": [asset]}],
        "total_count": 2,
        "name": HOSTILE,
        "message": HOSTILE,
        "settings": {"folder_mode": "dynamic"},
        "deleted": {HOSTILE: HOSTILE},
        "secret": HOSTILE, "cloud_name": "cc", "api_key": "1", "api_secret": "s", "email": HOSTILE, "plan_name": HOSTILE,
        "guidance": HOSTILE, "claim_url": HOSTILE, "expires_at": HOSTILE, "delivery_ips": [HOSTILE], "account_id": HOSTILE,
        "product_environments": [{"cloud_name": "cc", "api_key": "1", "api_secret": "s"}], "surprise": HOSTILE,
    }  # fmt: skip


def refused(request: Request) -> Reply:
    """A refusal with a hostile text."""
    return Reply(400, {"error": {"message": HOSTILE}, "message": HOSTILE})


COMMANDS = [
    "admin ping", "admin resources", "admin resource x", "admin usage", "admin delete_resources x -F",
    "uploader upload FILE", "uploader destroy x", "search x", "search x -A -F", "search x --csv OUT", "search_folders x",
    "upload_dir DIR -f up", "upload_dir DIR -f up --dry-run", "sync DIR up --push -F", "sync DIR up --pull -F",
    "sync DIR up --push --dry-run", "sync DIR up --pull --dry-run", "sync DIR up --push -F -K",
    "clone cloudinary://k:s@other?upload_prefix=SERVER -F", "clone cloudinary://k:s@other?upload_prefix=SERVER -F --dry-run",
    "migrate -d , cc SERVER/x FILE", "regen_derived t -F", "regen_derived t --dry-run", "whoami --verify",
    "agent signup a@b.c f m g", "agent cloud create", "config", "config -n new cloudinary://k:s@c?upload_prefix=SERVER",
]  # fmt: skip


@pytest.fixture
def places(tmp_path: Path, server: CloudinaryServer) -> Dict[str, str]:
    """What the capital words of a command stand for."""
    folder = tmp_path / "dir"
    folder.mkdir()
    for name in ("plain.jpg", "a\nForged: nothing failed.jpg", "b\u202e\x1b[2J.jpg", "c\udcff\r.jpg"):
        if os.name == "posix":
            (folder / name).write_bytes(b"\xff\xd8\xff")
    urls = tmp_path / "urls"
    urls.write_text(f"{server.url}/a,{server.url}/b\x1b[2J", encoding="utf-8")
    return {"DIR": str(folder), "FILE": str(urls), "OUT": str(tmp_path / "out.csv"), "SERVER": server.url}


@posix
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
@pytest.mark.parametrize("response", [hostile, refused])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_server_forges_a_line(
    invoke: Run, server: CloudinaryServer, places: Dict[str, str], command: str, response: Any, level: str
) -> None:
    server.on("*", "", response)
    words = [re.sub("|".join(places), lambda found: places[found.group(0)], word) for word in command.split()]
    done = invoke("-c", server.config_url(), "-v", level, *words, env={"CLOUDINARY_UPLOAD_PREFIX": server.url})
    check(done.err.replace("\t", " "))
    if done.out and not is_json(done.out):
        check(done.out)


@pytest.mark.parametrize(
    "command",
    [
        ["config", "-ls"], ["config", "-s", HOSTILE.replace("\0", "").replace("\ud800", "")], ["logout"], ["whoami"], ["config"],
        ["admin", "nope"], ["make", "nope"], ["config", "-d", "a\nForged: nothing failed"], ["a\nForged: nothing failed"],
        ["login", "__a\nForged: nothing failed__"], ["-C", "a\rForged: nothing failed", "admin", "ping"], ["url", "x\u2028y\n"],
        ["config", "x\nForged: nothing failed"], ["config", "-r"], ["config", "-ra"], ["token"], ["logout", "a\rForged: x"],
        ["agent", "cloud", "list"], ["agent", "cloud", "claim"], ["make", "upload\nForged: nothing failed"],
        ["utils", "cloudinary_url", "a\nForged: nothing failed"], ["admin", "ping", "a\nForged: nothing failed=1"],
        ["upload_dir", "no\nForged: nothing failed"], ["sync", "no\nForged: nothing failed", "x", "--push"],
        ["config", "--no\nForged: nothing failed"], ["search", "x", "--csv", "/no\nForged: nothing failed/x"],
    ],
)  # fmt: skip
def test_no_saved_text_and_no_argument_forges_a_line(invoke: Run, config_json: Path, command: List[str]) -> None:
    query = urlencode(
        {
            "a\n" + FORGED: HOSTILE.replace("\ud800", ""),
            "account_email": "e\r" + FORGED,
            "claim_url": "u\n" + FORGED,
            "expires_at": "t\n" + FORGED,
            "oauth_token": "t",
            "issuer": "i\x1b[2J",
            "upload_prefix": "http://127.0.0.1:9",
        }
    )
    name = HOSTILE.replace("\0", "").replace("\ud800", "")
    config_json.write_text(json.dumps({name: f"cloudinary://c?{query}", "__default__": name}))
    done = invoke(
        *command, env={"CLOUDINARY_CONFIG_NAME": "" if command[0] != "token" else "v\nForged: nothing failed"}
    )
    check(done.err.replace("\t", " "))
    if not is_json(done.out):
        check(done.out)


@pytest.mark.parametrize(
    "command", ["url x", "utils cloudinary_url x", "search x -u", "config", "whoami", "make", "make -ls", "url x -s"]
)
@pytest.mark.parametrize("part", ["/HOSTILE", "?secure_distribution=HOSTILE", "?cname=HOSTILE&secure=false", ""])
def test_no_setting_forges_a_line_of_stdout(invoke: Run, command: str, part: str) -> None:
    odd = "a\x1b[2J\nForged: nothing failed\u202e\u200b"
    url = "cloudinary://k:s@" + (f"c{part.replace('HOSTILE', odd)}" if part else odd)
    check(invoke("-c", url, *command.split()).text)
    environ = {
        "CLOUDINARY_CLOUD_NAME": odd,
        "CLOUDINARY_API_KEY": odd,
        "CLOUDINARY_API_SECRET": "s",
        "CLOUDINARY_CNAME": odd,
    }
    check(invoke(*command.split(), env=environ).text)


@posix
def test_no_template_forges_a_line(invoke: Run, home: Path) -> None:
    folder = home / "templates" / "html"
    folder.mkdir(parents=True)
    (folder / "a\nForged: nothing failed\x1b[2J.txt").write_text("x")
    done = invoke("make", "-lt")
    assert "nothing failed" in done.out, done.text
    check(done.text)


@posix
def test_no_name_forges_a_line_beside_the_progress(server: CloudinaryServer, places: Dict[str, str]) -> None:
    server.on("*", "", hostile)
    screen = run_in_terminal(["-c", server.config_url(), "upload_dir", places["DIR"], "-f", "up"])
    own = re.sub("\x1b\\[(?:[KJ]|[0-9]*A|[0-9;]*m)|\r", "", screen.text)
    check(own)


@pytest.mark.parametrize("character", CONTROLS[4:] + "\t\n\r" + "\x0b\x1c\U000e0041")
def test_every_control_character_is_escaped(character: str) -> None:
    assert one_line(f"a{character}b").isascii() and one_line(f"a{character}b").isprintable()
    if character not in "\t\n":
        assert printable(f"a{character}b").isascii() and printable(f"a{character}b").isprintable()
