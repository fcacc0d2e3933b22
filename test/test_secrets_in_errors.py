"""A secret on a command line that is wrong is not repeated in the error: terminals are recorded, and CI logs are read."""

from __future__ import annotations

from typing import Callable, List

import pytest

from cloudinary_cli.text import redact, secrets_in
from test.conftest import Result

Run = Callable[..., Result]

URLS = [
    "cloudinary://key:TOPSECRET@c",
    "cloudinary://key:TOP/SECRET@c",
    "cloudinary://key:TOP?SEC#RET@c",
    "cloudinary://key:TOP SECRET@c",
    "cloudinary://key:TOP@SECRET@c",
    "cloudinary://key:TOP'SECRET\"@c",
    "cloudinary://key:TOPSECRET",
    "CLOUDINARY://key:TOP/SECRET@c",
    "account://key:TOP/SECRET@id",
    "cloudinary://key:" + "x" * 190 + "TOP/SECRET@c",
]


def is_kept_back(done: Result) -> bool:
    """The command failed, said why, and repeated no part of the secret."""
    words = ("TOP", "SEC", "RET", "xxxx")
    return done.code == 1 and bool(done.err) and not any(word in done.text for word in words)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "command",
    [
        "URL ping", "login URL", "logout URL", "-C URL ping", "-CURL ping", "config -d URL", "config -s URL",
        "config -rm URL", "config -r URL", "config URL", "token URL", "clone URL", "agent cloud claim URL", "whoami URL",
        "agent cloud create --name URL", "url a b URL", "admin URL", "config -n URL x", "--confg=URL ping", "-cURL ping URL",
    ],
)  # fmt: skip
def test_a_url_in_the_wrong_place_is_not_repeated(invoke: Run, command: str, url: str) -> None:
    done = invoke(*[word.replace("URL", url) for word in command.split()], env={"CLOUDINARY_URL": "cloudinary://k:s@c"})
    assert is_kept_back(done), done.text


@pytest.mark.parametrize(
    "command",
    [
        ["config", "set", "api_secret", "TOPSECRET"],
        ["config", "set", "api-secret", "TOP SECRET"],
        ["whoami", "Api_Secret", "S'E\"CRETTOP"],
        ["login", "--api-secret", "TOPSECRET"],
        ["config", "--api_secret=TOPSECRET"],
        ["config", "api_secret=TOP SECRET"],
        ["config", "oauth_token:TOPSECRET"],
        ["admin", "ping", "api_secret=TOPSECRET"],
        ["admin", "nope", "api_secret=TOP SECRET"],
        ["admin", "resource", "x", '{"api_secret": "TOP SECRET'],
        ["admin", "ping", '{"api_secret": "TOPSECRET"'],
        ["login", "a", "b", "TOPSECRETabc123XYZ987qweRTY"],
        ["TOPSECRETabc123XYZ987qweRTY"],
        ["login", "--timeout", "TOPSECRETabc123XYZ987qweRTY"],
        ["whoami", "Bearer", "TOPSECRETabc123XYZ987qweRTY"],
    ],
)
def test_a_secret_among_the_arguments_is_not_repeated(invoke: Run, command: List[str]) -> None:
    done = invoke(*command, env={"CLOUDINARY_URL": "cloudinary://k:s@c?upload_prefix=http://127.0.0.1:9"})
    assert is_kept_back(done), done.text


@pytest.mark.parametrize(
    "command", ["URL ping", "login URL", "logout URL", "-C URL ping", "config -d URL", "config -rm URL", "token URL"]
)
def test_a_url_in_the_place_of_a_name_is_explained(invoke: Run, command: str) -> None:
    done = invoke(*command.replace("URL", "cloudinary://k:s@c").split())
    assert done.code == 1 and "A URL is not a" in done.err and "cld -c URL" in done.err, done.err
    assert "oauth2/auth" not in done.err


@pytest.mark.parametrize("command", ["loginn", "config lst", "login a work", "config -d work", "-C work ping"])
def test_ordinary_words_are_repeated(invoke: Run, command: str) -> None:
    done = invoke(*command.split())
    assert done.code == 1 and command.replace(" ping", "").split()[-1] in done.err


def test_the_shape_of_a_url_stays_readable() -> None:
    for text in ("cloudinary://<api_key>:<api_secret>@<cloud_name>.", "https://h:80/a@2x.png", "cloudinary://cloud"):
        assert redact(text) == text
    assert secrets_in(["token", "work", "https://h:80/a@2x.png", "cloudinary://cloud", "url", "a=b"]) == []


def test_a_password_that_is_a_word_hides_no_word_of_a_message() -> None:
    assert secrets_in(["cloudinary://key:secret@c", "api_secret=secret"]) == []
    assert secrets_in(["cloudinary://key:my secret@c"]) == ["my secret"]
