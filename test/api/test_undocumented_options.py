"""Options that an SDK method takes without documenting them are accepted, and the list of them fits the SDK's code."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Set

import pytest

from cloudinary_cli.api.arguments import Arguments, bind
from cloudinary_cli.api.listing import find_method, methods
from cloudinary_cli.api.method import Method
from cloudinary_cli.api.undocumented import TRANSFORMATION

METHODS = [method for api in ("admin", "uploader", "provisioning", "utils") for method in methods(api)]
SDK_MODULES = (
    *("api", "uploader", "utils", "provisioning.account"),
    *("api_client.call_api", "api_client.call_account_api", "api_client.execute_request"),
)
# options.get("x"), options.pop("x"), options["x"] and only(options, "x", "y")
READS = re.compile(r"""options(?:\.(?:get|pop)\(|\[)["'](\w+)["']""")
SELECTIONS = re.compile(r"""only\(options,\s*((?:["']\w+["'],?\s*)+)\)""")


def options_read_by(source: str) -> Set[str]:
    selected = " ".join(SELECTIONS.findall(source))
    return set(READS.findall(source)) | set(re.findall(r"\w+", selected))


@pytest.mark.parametrize(
    ("api", "name", "option"),
    [
        ("admin", "resources", "fields"),
        ("admin", "resources", "timeout"),
        ("admin", "resources", "upload_prefix"),
        ("admin", "resources", "oauth_token"),
        ("uploader", "destroy", "resource_type"),
        ("uploader", "upload", "filename"),
        ("uploader", "upload", "gravity"),
        ("uploader", "upload", "async"),
        ("uploader", "explode", "notification_url"),
        ("uploader", "text", "font_family"),
        ("provisioning", "users", "provisioning_api_key"),
        ("uploader", "create_archive", "flatten_folders"),
        ("utils", "cloudinary_url", "url_suffix"),
    ],
)
def test_an_undocumented_option_is_accepted_without_a_warning(api: str, name: str, option: str) -> None:
    method = find_method(api, name)
    words = ["x" for _ in method.required]
    assert bind(method, Arguments(words, [(option, "1")])).unknown == ()
    assert bind(method, Arguments([*words, f"--{option}=1"])).kwargs[option] in (1, "1")


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_method_knows_each_option_that_its_code_reads(method: Method) -> None:
    if method.open_ended:
        read = options_read_by(inspect.getsource(method.function))
        assert [name for name in read if not method.knows(name)] == []


@pytest.mark.parametrize(
    ("helper", "api", "name"),
    [
        ("archive_params", "uploader", "create_archive"),
        ("archive_params", "utils", "download_zip_url"),
        ("build_multi_and_sprite_params", "uploader", "multi"),
        ("build_upload_params", "uploader", "upload"),
        ("base_api_url", "uploader", "destroy"),
        ("sign_request", "uploader", "destroy"),
    ],
)
def test_a_method_knows_each_option_that_a_helper_reads_for_it(helper: str, api: str, name: str) -> None:
    read = options_read_by(inspect.getsource(getattr(importlib.import_module("cloudinary.utils"), helper)))
    assert read, "the helper reads options by other means: change this test"
    assert [option for option in read if not find_method(api, name).knows(option)] == []


def test_each_undocumented_option_is_mentioned_in_the_sdk() -> None:
    code = "\n".join(inspect.getsource(importlib.import_module(f"cloudinary.{name}")) for name in SDK_MODULES)
    words = set(re.findall(r"\w+", code))
    undocumented = {option for method in METHODS for option in method.undocumented} | TRANSFORMATION
    assert undocumented - words == set()
