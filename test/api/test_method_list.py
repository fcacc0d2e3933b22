"""`cld admin -ls`, `--help` of a method and `--doc`."""

from __future__ import annotations

import json
from typing import Any, Callable

Run = Callable[..., Any]


def test_the_listing_is_data(invoke: Run) -> None:
    result = invoke("-v", "critical", "admin", "-ls")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert "ping                               (options)                       Tests the reachability" in result.out
    assert "call_api " not in result.out
    assert invoke("admin").out == result.out


def test_columns_hold_and_a_method_can_be_explained(invoke: Run) -> None:
    lines = invoke("admin", "-ls").out.splitlines()
    assert len({line.index("(") for line in lines}) == 1
    start = lines[0].index("(")
    # The summary begins in the same column of every line, however long the signature is.
    assert {line[start + 31] for line in lines} == {" "}
    assert not any(line[start + 32].isspace() for line in lines)
    assert any("(public_id, ...)" in line for line in lines)
    explained = invoke("admin", "-ls", "resource").out
    assert explained.startswith("resource(public_id, **options)\n\nReturns the details of the specified asset")
    assert ":keyword bool colors:" in explained


def test_the_listing_as_json(invoke: Run) -> None:
    rows = {row["name"]: row for row in json.loads(invoke("admin", "-ls", "--json").out)}
    assert len(rows) == len(invoke("admin", "-ls").out.splitlines())
    assert rows["delete_resources"]["parameters"] == [{"name": "public_ids", "type": "list[str]", "required": True}]
    assert {"name": "invalidate", "type": "bool"} in rows["delete_resources"]["options"]
    assert rows["ping"]["summary"] == "Tests the reachability of the Cloudinary API."


def test_listing_needs_no_configuration_and_an_unknown_name_is_an_error(invoke: Run) -> None:
    assert invoke("admin", "-ls", env={"CLOUDINARY_URL": "foo"}).code == 0
    result = invoke("admin", "-ls", "pingg")
    assert result.code == 1
    assert "Did you mean: ping" in result.err


def test_help_is_that_of_the_method_that_is_named(invoke: Run) -> None:
    for args in (["admin", "resource", "--help"], ["resource", "x", "-h"], ["admin", "-F", "resource", "-h"]):
        result = invoke(*args, env={"CLOUDINARY_URL": "foo"})
        assert (result.code, result.err) == (0, "") and result.out.startswith("Usage: cld admin [OPTIONS] [PARAMS]...")
        assert "\n  resource(public_id, **options)\n\n  Returns the details of" in result.out
        assert "\n  :keyword bool colors: " in result.out and "--optional_parameter NAME VALUE" in result.out
    for args in (["admin", "--help"], ["admin", "nosuch", "--help"]):
        result = invoke(*args)
        assert result.code == 0 and "cld admin resource sample" in result.out
    assert "  api_sign_request(" in invoke("utils", "api_sign_request", "-h").out


def test_the_documentation_url_is_always_said(cld: Run) -> None:
    url = "https://cloudinary.com/documentation/admin_api"
    without = cld("admin", "-d")
    assert (without.code, without.out) == (0, f"{url}\n")
    assert url in without.err
    opened = cld("admin", "ping", "-d", env={"BROWSER": "true"})
    assert (opened.code, opened.out) == (0, "")
    assert url in opened.err


def test_what_a_module_only_imports_is_no_method(invoke: Run) -> None:
    from cloudinary_cli.sdk import loader

    for api in ("admin", "uploader", "provisioning"):
        own = {function.__module__ for function in loader.api_methods(api).values()}
        assert own and not [name for name in own if name.startswith("cloudinary.utils")]
    assert "encode_list" in vars(loader.module("provisioning")), "or the next lines show nothing"
    result = invoke("provisioning", "encode_list", "x", env={"CLOUDINARY_ACCOUNT_URL": "account://k:s@a"})
    assert (result.code, result.out) == (1, "") and "Method encode_list does not exist in Provisioning." in result.err
