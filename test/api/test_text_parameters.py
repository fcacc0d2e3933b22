"""What takes text keeps its letters, though they look like a boolean, a number or null; flags and numbers are read."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from test.api.test_arguments import kwargs, method
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]
LOOKALIKES = ["true", "False", "null", "123", "1e5", "NaN", "0", "-7", "[1]", '{"a":1}']


@pytest.mark.parametrize("text", LOOKALIKES)
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("upload", "public_id"),
        ("upload", "folder"),
        ("upload", "asset_folder"),
        ("upload", "display_name"),
        ("upload", "upload_preset"),
        ("explicit", "public_id_prefix"),
        ("text", "public_id"),  # documented nowhere
        ("text", "font_family"),
        ("resources", "prefix"),
        ("resource", "type"),
        ("create_archive", "target_public_id"),
        ("create_upload_preset", "name"),
        ("cloudinary_url", "url_suffix"),
        ("update_user", "name"),
        ("create_sub_account", "cloud_name"),
    ],
)
def test_a_text_parameter_keeps_its_letters(name: str, option: str, text: str) -> None:
    words = ["x"] * sum(parameter.name != option for parameter in method(name).required)
    assert kwargs(name, *words, f"{option}={text}")[option] == text


@pytest.mark.parametrize("text", ["true", "null", "123", "1e5", "NaN"])
def test_tags_and_context_keep_their_letters(text: str) -> None:
    assert kwargs("upload", "f", f"tags={text}")["tags"] == [text]
    assert kwargs("update", "x", f"tags={text}")["tags"] == [text]
    assert kwargs("upload", "f", f"context={text}")["context"] == text
    assert kwargs("upload", "f", 'context={"a":1}')["context"] == {"a": 1}


def test_flags_and_numbers_are_read() -> None:
    given = kwargs("upload", "f", "overwrite=true", "invalidate=False", "auto_tagging=0.5", "visual_search=true")
    values = {"overwrite": True, "invalidate": False, "auto_tagging": 0.5, "visual_search": True}
    assert given == {"file": "f", **values}
    assert kwargs("resources", "tags=true", "context=true", "max_results=5") == {
        "tags": True,
        "context": True,
        "max_results": 5,
    }


def test_null_skips_an_optional_parameter_by_position_only() -> None:
    assert kwargs("update_user", "u", "null", "e@x") == {"user_id": "u", "name": None, "email": "e@x"}
    assert kwargs("update_user", "u", "name=null") == {"user_id": "u", "name": "null"}


def test_the_server_gets_the_letters(server: CloudinaryServer, invoke: Run) -> None:
    words = ["public_id=true", "folder=1e5", "tags=123", "overwrite=false", "display_name=null"]
    done = invoke("-c", server.config_url(), "uploader", "upload", "https://x/a.jpg", *words)
    assert done.code == 0, done.err
    request = server.requests[0]
    sent = {name: request.field(name) for name in ("public_id", "folder", "tags", "overwrite", "display_name")}
    assert sent == {"public_id": "true", "folder": "1e5", "tags": "123", "overwrite": "0", "display_name": "null"}
