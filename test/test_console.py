"""The console: what is shown where, what is asked, and what happens without an answer."""

from __future__ import annotations

import io
import logging
from typing import Tuple

import pytest

from cloudinary_cli.console import Console
from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import Declined
from cloudinary_cli.logs import ConsoleHandler, install_logging


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def console_with(answer: str = "", terminal: bool = False, **environ: str) -> Tuple[Console, io.StringIO, io.StringIO]:
    kind = Terminal if terminal else io.StringIO
    out, err = kind(), kind()
    return Console(kind(answer), out, err, environ), out, err


@pytest.mark.parametrize(
    "answer, expected", [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("yeah\n", False), ("", False)]
)
def test_a_question_defaults_to_no(answer: str, expected: bool) -> None:
    console, out, err = console_with(answer)
    install_logging(console)
    assert console.confirm("Sure?", "Use --force.") is expected
    assert err.getvalue().startswith("Sure? (y/N) ") and out.getvalue() == ""
    assert ("warning: No input available. Use --force." in err.getvalue()) is (answer == "")


def test_a_menu_is_numbered_and_returns_the_chosen_option() -> None:
    console, out, err = console_with(" 2 \n")
    assert console.pick("Which?", ["a", "b\x1b[1m"]) == 1
    assert err.getvalue() == "Which?\n  1. a\n  2. b\\x1b[1m\nChoose [1-2, Enter cancels]: " and out.getvalue() == ""


def test_enter_cancels_a_menu() -> None:
    assert console_with("\n")[0].pick("Which?", ["a", "b"]) is None


@pytest.mark.parametrize("given", ["0", "3", "x", "\u0662", "1.0", ""])
def test_a_menu_refuses_what_is_not_on_it(given: str) -> None:
    console = console_with(given + "\n" if given else "")[0]
    with pytest.raises(Declined, match="selection"):
        console.pick("Which?", ["a", "b"])


def test_a_table_has_aligned_columns_and_one_line_per_row() -> None:
    console, out, _ = console_with("")
    console.table([("NAME", "CLOUD"), ("a", "b\nc"), ("long name", "")])
    assert out.getvalue() == "NAME       CLOUD\na          b\\nc\nlong name\n"


def test_a_secret_from_a_pipe_is_read_without_a_question() -> None:
    console, out, err = console_with("s3cret\nrest")
    assert console.read_secret("Secret: ") == "s3cret"
    assert err.getvalue() == out.getvalue() == ""
    assert console_with("")[0].read_secret("Secret: ") is None


def test_a_record_is_one_line_with_its_level_and_without_secrets() -> None:
    console, _, err = console_with()
    install_logging(console, "debug")
    console.info("plain")
    console.warning("one\ntwo")
    console.error("cloudinary://k:TOPSECRET@c and \x1b[31m")
    console.debug("{'api_secret': 'TOPSECRET'}")
    assert err.getvalue().splitlines() == [
        "plain",
        "warning: one\\ntwo",
        "error: cloudinary://k:****@c and \\x1b[31m",
        "debug: {'api_secret': '****'}",
    ]
    install_logging(console)
    assert len([handler for handler in logger.handlers if isinstance(handler, ConsoleHandler)]) == 1
    assert logger.level == logging.INFO


def test_a_notice_is_not_hidden_by_the_level_but_redacted() -> None:
    console, out, err = console_with()
    install_logging(console, "critical")
    console.notice("visit https://h/oauth2/auth?state=x&code_challenge=y or cloudinary://k:TOPSECRET@c")
    console.error("hidden")
    assert err.getvalue() == "visit https://h/oauth2/auth?state=x&code_challenge=y or cloudinary://k:****@c\n"
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    "terminal, environ, colored",
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_color(terminal: bool, environ: "dict[str, str]", colored: bool) -> None:
    console, out, err = console_with(terminal=terminal, **environ)
    install_logging(console)
    console.error("x")
    console.success("done")
    console.json({"a": 1})
    assert ("\x1b[" in err.getvalue()) is colored and ("\x1b[" in out.getvalue()) is colored


def test_text_that_a_stream_cannot_carry_is_escaped_not_lost() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(stdout=out, environ={}).data("naïve 日本")
    out.seek(0)
    assert out.read() == "na\\xefve \\u65e5\\u672c\n"
