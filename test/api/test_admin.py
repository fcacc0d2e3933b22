"""`cld admin METHOD`: the request that is sent, the output, and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Tuple

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.listings import page

Run = Callable[..., Any]


def test_a_call_and_its_output(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"public_id": "é", "bytes": 5})
    result = admin("resource", "é", "colors=true", "-o", "type", "private", "-O", "max_results", "5")
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/v1_1/demo/resources/image/private/é")
    assert request.query == {"colors": ["true"], "max_results": ["5"]}
    assert request.headers["authorization"] == "Basic a2V5OnNlY3JldA=="
    assert request.headers["user-agent"].startswith("CloudinaryCLI/")
    assert (result.code, result.err) == (0, "")
    # Readable JSON, in the server's order.
    assert result.out == '{\n  "public_id": "é",\n  "bytes": 5\n}\n'


def test_options_may_stand_anywhere_and_the_method_name_alone_is_a_command(
    server: CloudinaryServer, invoke: Run
) -> None:
    assert (
        invoke("-c", server.config_url(), "-v", "error", "resources", "-o", "max_results", "7", "tags=true").code == 0
    )
    assert invoke("-c", server.config_url(), "admin", "-o", "max_results=7", "resources", "tags=true").code == 0
    first, second = server.requests
    assert first.query == second.query == {"max_results": ["7"], "tags": ["true"]}


def test_one_word_pairs_and_natural_options(server: CloudinaryServer, admin: Run) -> None:
    admin("resource", "-o", "public_id=a=b", "--type", "private")
    admin("resource", "--optional_parameter=public_id=a=b", "--type=private")
    admin("resource", "--public-id", "a=b", "-Otype=private")
    admin("resource", "-otype", "private", "--", "a=b")
    assert server.paths() == ["GET /v1_1/demo/resources/image/private/a=b"] * 4


def test_words_after_two_dashes_are_no_options(server: CloudinaryServer, admin: Run) -> None:
    admin("-F", "delete_resources", "--", "-F", "--force")
    assert server.requests[0].json["public_ids"] == ["-F", "--force"]


def test_all_ids_are_sent(server: CloudinaryServer, admin: Run) -> None:
    assert admin("delete_resources", "a", "b", "c", "-F").code == 0
    (request,) = server.requests
    assert (request.method, request.path) == ("DELETE", "/v1_1/demo/resources/image/upload")
    assert request.json["public_ids"] == ["a", "b", "c"]


def test_a_numeric_id_is_sent(server: CloudinaryServer, admin: Run) -> None:
    assert admin("resource", "123").code == 0
    assert server.paths() == ["GET /v1_1/demo/resources/image/upload/123"]


def test_a_comma_in_a_json_list(server: CloudinaryServer, admin: Run) -> None:
    admin("delete_resources", '["a","b,c"]', "-F")
    assert server.requests[0].json["public_ids"] == ["a", "b,c"]


def test_oauth_is_sent_as_bearer(server: CloudinaryServer, invoke: Run) -> None:
    invoke("-c", server.config_url(credentials="", oauth_token="TOKEN"), "admin", "ping")
    assert server.requests[0].headers["authorization"] == "Bearer TOKEN"


def test_an_api_error_is_one_line_and_no_output(server: CloudinaryServer, admin: Run) -> None:
    server.reply(Reply(404, {"error": {"message": "Resource not found - x"}}))
    result = admin("resource", "x")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: Error 404 - Resource not found - x. ") and result.err.count("\n") == 1


def test_an_error_status_without_an_error_key_fails(server: CloudinaryServer, admin: Run) -> None:
    server.reply(Reply(400, {"foo": 1}))
    result = admin("ping")
    assert (result.code, result.out) == (1, "")
    assert "400" in result.err


def test_an_unknown_method_and_its_suggestion(server: CloudinaryServer, admin: Run) -> None:
    result = admin("resorces")
    assert result.code == 1
    assert result.err.startswith("error: Method resorces does not exist in Admin. Did you mean: resources")
    assert admin("zzzz").err == "error: Method zzzz does not exist in Admin. List the methods: cld admin -ls\n"
    assert server.requests == []


@pytest.mark.parametrize("helper", ["call_api", "build_eager", "transformation_string", "only", "datetime", "NotFound"])
def test_helpers_are_no_methods(server: CloudinaryServer, admin: Run, helper: str) -> None:
    result = admin(helper, "x", "y")
    assert result.code == 1
    assert f"Method {helper} does not exist in Admin." in result.err


def test_wrong_counts_are_one_line(server: CloudinaryServer, admin: Run) -> None:
    for args in (["resources", "a", "b", "c"], ["resource"]):
        result = admin(*args)
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"error: Function '{args[0]}(")
        assert result.err.count("\n") == 1
    assert server.requests == []


def test_a_type_error_inside_the_sdk_is_not_a_wrong_count(server: CloudinaryServer, admin: Run) -> None:
    # -O asks for a number, which the SDK cannot put into a path.
    result = admin("resource", "-O", "public_id", "123")
    assert result.code == 1
    assert "requires" not in result.err
    assert "expected str" in result.err


def test_an_unknown_option_warns_and_runs(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a"))
    result = admin("resources", "-o", "max_result", "5")
    assert result.code == 0
    assert result.err.startswith("warning: Method 'resources' has no option 'max_result'. Did you mean: max_results")
    assert len(server.requests) == 1


def test_an_unknown_natural_option_does_not_run(server: CloudinaryServer, admin: Run) -> None:
    result = admin("delete_resources", "a", "--invalidat")
    assert result.code == 1
    assert "Did you mean: invalidate?" in result.err
    usage = admin("--frce", "delete_resources", "a")
    assert usage.code == 1
    assert "No such option" in usage.err
    assert server.requests == []


def test_no_configuration_is_one_error(invoke: Run) -> None:
    result = invoke("admin", "ping")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: No Cloudinary configuration found.")
    assert result.err.count("No Cloudinary configuration found") == 1


def test_the_method_may_follow_two_dashes(server: CloudinaryServer, admin: Run) -> None:
    assert admin("-F", "--", "delete_resources", "-a").code == 0
    assert server.requests[0].json["public_ids"] == ["-a"]


@pytest.mark.parametrize("args", [("ping", "--save"), ("resource", "x", "-o"), ("resource", "x", "-O", "a"), ("-ff",)])
def test_an_option_without_its_value_is_a_usage_error(
    server: CloudinaryServer, admin: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, args: Tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = admin(*args)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err.startswith("Usage: cld admin ") and " requires " in result.err
    assert not (tmp_path / "--").exists()
