"""Cloud names that no cloud has are refused wherever they enter, and legal ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from cloudinary_cli.config.url import build_config_url, parse_given
from cloudinary_cli.errors import InvalidConfigUrl
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]

IMPOSSIBLE = [
    "'demo'",
    '"demo"',
    "de mo",
    "demo ",
    " demo",
    "demo\r",
    "demo\n",
    "<cloud_name>",
    "%64emo",
    "d\u00e9mo",
    "-demo",
    "a.b",
]
URLS = [f"cloudinary://key:TOPSECRET@{name}" for name in IMPOSSIBLE if name == name.strip()]


@pytest.mark.parametrize("url", [*URLS, "cloudinary://1:TOPSECRET@demo/", "cloudinary://1:TOPSECRET@demo/?a=b"])
def test_an_impossible_url_is_refused_where_it_enters(
    invoke: Run, config_json: Path, server: CloudinaryServer, url: str
) -> None:
    config_json.write_text(json.dumps({"box": server.config_url()}))
    before = config_json.read_text()
    results = [
        invoke("-c", url, "url", "x"),
        invoke("config", "-n", "new", url),
        invoke("url", "x", env={"CLOUDINARY_URL": url}),
        invoke("ping", env={"CLOUDINARY_URL": url}),
        invoke("-C", "box", "clone", url, "-F"),
    ]
    for result in results:
        assert (result.code, result.out) == (1, "")
        assert "TOPSECRET" not in result.err and "Traceback" not in result.err
        assert "cloud name" in result.err or "slash" in result.err or "blank" in result.err or "Expected" in result.err
    assert config_json.read_text() == before


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_variable_is_refused(invoke: Run, name: str) -> None:
    env = {"CLOUDINARY_CLOUD_NAME": name, "CLOUDINARY_API_KEY": "k", "CLOUDINARY_API_SECRET": "s"}
    result = invoke("url", "x", env=env)
    assert (result.code, result.out) == (1, "")
    assert "CLOUDINARY_CLOUD_NAME is invalid: A cloud name begins with" in result.err


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_name_makes_no_url(name: str) -> None:
    with pytest.raises(InvalidConfigUrl):
        build_config_url(name, {}, "k", "s")


@pytest.mark.parametrize("name", ["demo", "Demo-1", "a_b", "9", "d123-x_y"])
def test_a_legal_name_is_taken(name: str) -> None:
    assert parse_given(f"cloudinary://k:s@{name}").cloud_name == name
    assert parse_given(f"cloudinary://k:s@{name}/my.cdn.com").secure_distribution == "my.cdn.com"


def test_a_saved_entry_of_another_tool_can_be_shown_and_removed(invoke: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"odd": "cloudinary://k:s@a.b"}))
    assert "a.b" in invoke("config", "-ls").out
    assert invoke("config", "-rm", "odd").code == 0
