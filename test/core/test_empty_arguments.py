"""Empty arguments, as an unset shell variable gives them, are refused before anything is sent or changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, List

import pytest

from cloudinary_cli.api import arguments as params
from cloudinary_cli.api.listing import find_method
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk import loader
from test.support.cloudinary_server import CloudinaryServer

Run = Callable[..., Any]

COMMANDS: List[List[str]] = [
    ["sync", "photos", ""],
    ["sync", "photos", "", "--push"],
    ["sync", "photos", "  ", "--pull"],
    ["sync", "", "f", "--pull"],
    ["upload_dir", ""],
    ["regen_derived", ""],
    ["clone", ""],
    ["migrate", "", "urls.txt"],
    ["migrate", "mapping", ""],
    ["url", ""],
    ["url", " "],
    ["admin", "resource", ""],
    ["resource", ""],
    ["admin", "resource", "public_id="],
    ["admin", "resource", "-o", "public_id", ""],
    ["admin", "delete_resources", "", "-F"],
    ["admin", "delete_resources", "a", "", "-F"],
    ["admin", "delete_resources_by_prefix", "", "-F"],
    ["admin", "delete_resources_by_tag", "", "-F"],
    ["admin", "delete_folder", "", "-F"],
    ["uploader", "destroy", "", "-F"],
    ["uploader", "rename", "a", ""],
    ["uploader", "add_tag", "t", ""],
    ["upload", ""],
    ["utils", "cloudinary_url", ""],
]


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_an_empty_argument_is_refused(server: CloudinaryServer, cld: Run, tmp_path: Path, args: List[str]) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("a")
    (tmp_path / "urls.txt").write_text("https://example.com/a.jpg")
    done = cld("-c", server.config_url(), *args)
    assert (done.code, done.out, server.requests) == (1, "", [])
    assert "is empty. Is a shell variable unset?" in done.err and "Traceback" not in done.err
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["a.jpg"]


@pytest.mark.parametrize("args", [["token", ""], ["exec", "", "--", "true"]], ids=" ".join)
def test_an_empty_name_of_a_configuration_is_refused_as_such(invoke: Run, args: List[str]) -> None:
    done = invoke(*args)
    assert done.code == 1 and "Error: Invalid value for NAME: the name is empty." in done.err


def test_every_required_argument_of_every_method_is_checked() -> None:
    checked = 0
    for api in ("admin", "uploader", "provisioning"):
        for name in loader.api_methods(api):
            method = find_method(api, name)
            for empty in method.required:
                words = [f"{parameter.name}={'' if parameter is empty else 'x'}" for parameter in method.required]
                with pytest.raises(CliError, match=rf"'{empty.name}' of '{name}' is empty"):
                    params.bind(method, params.Arguments(words))
                checked += 1
    assert checked > 100


def test_an_empty_optional_argument_is_passed_on(server: CloudinaryServer, cld: Run) -> None:
    assert cld("-c", server.config_url(), "admin", "resources", "prefix=").code == 0
    assert len(server.requests) == 1
