"""How the text of one value is read: as a boolean, as JSON, or as itself."""

from __future__ import annotations

from typing import Any

import pytest

from cloudinary_cli.api.values import parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("True", True),
        ("true", True),
        ("False", False),
        ("false", False),
        ("TRUE", "TRUE"),
        ("123", 123),
        ("1.5", 1.5),
        ("1e5", 100000.0),
        ("-7", -7),
        ("0", "0"),
        ("0.0", 0.0),
        ("null", None),
        ('"text"', "text"),
        ('"123"', "123"),
        ("[1, 2]", [1, 2]),
        ('{"a": 0}', {"a": 0}),
        ("007", "007"),
        ("2020-01-01", "2020-01-01"),
        ("a,b", "a,b"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_read_as_its_text_suggests(text: str, value: Any) -> None:
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_nan_is_json_as_python_reads_it() -> None:
    assert parse_value("NaN") != parse_value("NaN")
