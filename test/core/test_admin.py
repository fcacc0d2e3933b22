"""`cld admin` against a scripted API: what is sent, printed, asked and refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply

Run = Callable[..., Any]


@pytest.fixture
def admin(server: CloudinaryServer, invoke: Run) -> Run:
    """Run `cld admin ARGS` in this process, with the scripted server as the API."""
    return lambda *args, **kw: invoke("-c", server.config_url(), "admin", *args, **kw)


def page(*names: str, cursor: str = "") -> Dict[str, Any]:
    listing: Dict[str, Any] = {"resources": [{"public_id": name, "bytes": 1} for name in names]}
    return {**listing, "next_cursor": cursor} if cursor else listing


def on_a_terminal(args: List[str], answer: str) -> Tuple[int, str]:
    """Run `cld ARGS` with a terminal as stdin, type `answer`; exit code and stderr."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    try:
        os.write(master, answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "cloudinary_cli", *args], stdin=slave, capture_output=True, timeout=60
        )
    finally:
        os.close(master)
        os.close(slave)
    return done.returncode, done.stderr.decode()


# -- calls


def test_a_call_and_its_output(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"public_id": "é", "bytes": 5})
    result = admin("resource", "é", "colors=true", "-o", "type", "private", "-O", "max_results", "5")
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/v1_1/demo/resources/image/private/é")
    assert request.query == {"colors": ["true"], "max_results": ["5"]}
    assert request.headers["authorization"] == "Basic a2V5OnNlY3JldA=="
    assert request.headers["user-agent"].startswith("CloudinaryCLI/")
    assert (result.code, result.err) == (0, "")
    # G12: readable JSON, in the server's order.
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


# -- errors


def test_an_api_error_is_one_line_and_no_output(server: CloudinaryServer, admin: Run) -> None:
    server.reply(Reply(404, {"error": {"message": "Resource not found - x"}}))
    result = admin("resource", "x")
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: Error 404 - Resource not found - x\n"


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


# -- listing


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


# -- pages


def test_all_pages_of_500(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", "b", cursor="1"), page("c", cursor="2"), page("d"))
    result = admin("resources", "-A", "-F", "-ff", "public_id", "prefix=x")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"resources": [{"public_id": name} for name in "abcd"]}
    assert [request.query.get("next_cursor") for request in server.requests] == [None, ["1"], ["2"]]
    assert all(request.query["max_results"] == ["500"] for request in server.requests)
    assert all(request.query["prefix"] == ["x"] for request in server.requests)


def test_the_callers_page_size_wins_on_page_one(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", cursor="1"), page("b"))
    admin("resources", "-A", "-F", "max_results=3")
    assert [request.query["max_results"] for request in server.requests] == [["3"], ["500"]]


def test_one_page_needs_no_question(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"resources": [{"b": 1, "a": 2}], "other": [{"z": 1}]})
    result = admin("resources", "-A", "-ff", "a,b")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"resources": [{"a": 2, "b": 1}], "other": [{"z": 1}]}
    assert result.out.index('"a"') < result.out.index('"b"')


def test_ff_without_pagination_warns(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a"))
    result = admin("resources", "-ff", "public_id")
    assert result.code == 0
    assert "bytes" in result.out
    assert result.err.startswith("warning: -ff/--filter_fields has no effect")


def test_declining_is_not_success(server: CloudinaryServer, admin: Run, cld: Run) -> None:
    first = Reply(body=page("a", cursor="1"), headers={"X-FeatureRateLimit-Remaining": "42"})
    server.on("GET", "/resources/image", first)
    result = admin("resources", "-A", "-ff", "public_id")
    assert result.code == 1
    assert json.loads(result.out) == page("a", cursor="1")
    assert "42 Admin API calls left. Continue? (y/N)" in result.err
    assert "--force (-F)" in result.err
    assert "\nStopping. The output is partial" in result.err
    answered = cld("-c", server.config_url(), "admin", "resources", "-A", input="n\n")
    assert (answered.code, json.loads(answered.out)) == (1, page("a", cursor="1"))


def test_prompts_stay_out_of_the_data(server: CloudinaryServer, cld: Run) -> None:
    server.reply(page("a", cursor="1"), page("b"))
    result = cld("-c", server.config_url(), "admin", "resources", "-A", input="y\n")
    assert result.code == 0
    assert json.loads(result.out) == page("a", "b")
    assert "There are more pages" in result.err


def test_pagination_of_a_deletion_is_refused(server: CloudinaryServer, admin: Run) -> None:
    for name in ("delete_all_resources", "publish_by_tag", "update", "restore", "create_folder"):
        result = admin(name, "-F", "-A", "x")
        assert result.code == 1
    result = admin("delete_all_resources", "-F", "-A")
    assert "'delete_all_resources' is not a listing" in result.err
    assert server.requests == []


def test_identical_pages_and_a_repeated_cursor(server: CloudinaryServer, admin: Run) -> None:
    server.reply(page("a", cursor="1"), page("a"))
    assert json.loads(admin("resources", "-A", "-F").out) == page("a", "a")
    server.reply(page("a", cursor="1"), page("b", cursor="1"))
    result = admin("resources", "-A", "-F")
    assert result.code == 1
    assert json.loads(result.out) == page("a", "b", cursor="1")
    assert result.err == "error: The server returned the same cursor twice, so the listing is incomplete.\n"


def test_an_error_on_page_two_keeps_page_one(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    server.reply(page("a", cursor="1"), Reply(400, {"error": {"message": "Invalid cursor"}}))
    result = admin("resources", "-A", "-F", "--save", str(tmp_path / "x.json"))
    assert result.code == 1
    assert json.loads(result.out) == page("a", cursor="1")
    assert json.loads((tmp_path / "x.json").read_text()) == page("a", cursor="1")
    assert result.err == "error: Error 400 - Invalid cursor\n"


def test_derived_assets_have_their_own_cursor(server: CloudinaryServer, admin: Run) -> None:
    server.reply({"derived": [1], "tags": ["t"], "derived_next_cursor": "1"}, {"derived": [2], "tags": ["t"]})
    result = admin("resource", "x", "-A", "-F")
    assert json.loads(result.out) == {"derived": [1, 2], "tags": ["t"]}
    assert server.requests[1].query["derived_next_cursor"] == ["1"]


# -- deletions


@pytest.mark.parametrize("args", [("delete_all_resources",), ("delete_resources_by_prefix", "a")])
def test_mass_deletions_need_an_answer(server: CloudinaryServer, admin: Run, cld: Run, args: Tuple[str, ...]) -> None:
    closed = admin(*args)
    assert (closed.code, closed.out) == (1, "")
    assert f"Admin API method '{args[0]}'. Continue? (y/N)" in closed.err
    assert "warning: No input available. Use --force (-F)" in closed.err
    assert closed.err.endswith("Stopping.\n")
    refused = cld("-c", server.config_url(), "admin", *args, input="n\n")
    assert (refused.code, refused.out) == (1, "")
    assert server.requests == []
    assert cld("-c", server.config_url(), "admin", *args, input="Y\n").code == 0
    assert admin(*args, "-F").code == 0
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]


def test_other_deletions_ask_too(server: CloudinaryServer, admin: Run) -> None:
    args = ["-c", server.config_url(), "admin", "delete_folder", "x"]
    code, err = on_a_terminal(args, "n\n")
    assert code == 1
    assert "'delete_folder' deletes data. Continue? (y/N)" in err
    assert server.requests == []
    assert on_a_terminal(args, "y\n")[0] == 0
    code, err = on_a_terminal([*args, "-F"], "")
    assert (code, err) == (0, "")
    closed = admin("delete_folder", "x")
    assert closed.code == 1 and "warning: No input available. Use --force (-F)" in closed.err
    assert admin("delete_folder", "x", "-F").code == 0
    assert server.paths() == ["DELETE /v1_1/demo/folders/x"] * 3


# -- --save


def test_save_writes_what_is_printed(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    server.reply({"a": "é"})
    target = tmp_path / "x.json"
    result = admin("ping", "--save", str(target))
    assert target.read_text(encoding="utf-8") == result.out.rstrip("\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["x.json"]


def test_a_bad_path_is_met_before_the_call(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "x.json", tmp_path):
        result = admin("delete_all_resources", "-F", "--save", str(path))
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"error: Cannot write the --save file {path}: ")
    assert server.requests == []


def test_a_failed_call_leaves_the_old_file(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    target.write_text("old")
    server.reply(Reply(400, {"error": {"message": "no"}}), {"a": 1})
    assert admin("ping", "--save", str(target)).code == 1
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["x.json"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes and pipes")
def test_save_keeps_permissions_and_writes_to_pipes(server: CloudinaryServer, admin: Run, tmp_path: Path) -> None:
    target, pipe = tmp_path / "x.json", tmp_path / "pipe"
    target.write_text("old")
    target.chmod(0o640)
    admin("ping", "--save", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    os.mkfifo(pipe)
    read: List[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert admin("ping", "--save", str(pipe)).code == 0
    reader.join(10)
    assert read == ["{}"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    "args",
    [
        ("admin", "delete_resources", "x"),
        ("admin", "delete_resources_by_asset_ids", "x"),
        ("admin", "delete_derived_resources", "x"),
        ("provisioning", "delete_user", "u"),
        ("provisioning", "delete_sub_account", "s"),
        ("uploader", "destroy", "x"),
    ],
    ids=" ".join,
)
def test_each_deletion_asks_a_person(
    server: CloudinaryServer, monkeypatch: pytest.MonkeyPatch, args: Tuple[str, ...]
) -> None:
    monkeypatch.setenv("CLOUDINARY_ACCOUNT_URL", "account://ak:as@acc-1")
    code, err = on_a_terminal(["-c", server.config_url(), *args], "n\n")
    assert (code, server.requests) == (1, [])
    assert err == f"'{args[1]}' deletes data. Continue? (y/N) Stopping.\n"
    assert on_a_terminal(["-c", server.config_url(), *args, "-F"], "") == (0, "")
    assert len(server.requests) == 1


@pytest.mark.parametrize("args", [("ping", "--save"), ("resource", "x", "-o"), ("resource", "x", "-O", "a"), ("-ff",)])
def test_an_option_without_its_value_is_a_usage_error(
    server: CloudinaryServer, admin: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, args: Tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = admin(*args)
    assert (result.code, result.out, server.requests) == (1, "", [])
    assert result.err.startswith("Usage: cld admin ") and " requires " in result.err
    assert not (tmp_path / "--").exists()


def test_what_a_module_only_imports_is_no_method(invoke: Run) -> None:
    from cloudinary_cli.sdk import loader

    for api in ("admin", "uploader", "provisioning"):
        own = {function.__module__ for function in loader.api_methods(api).values()}
        assert own and not [name for name in own if name.startswith("cloudinary.utils")]
    assert "encode_list" in vars(loader.module("provisioning")), "or the next lines show nothing"
    result = invoke("provisioning", "encode_list", "x", env={"CLOUDINARY_ACCOUNT_URL": "account://k:s@a"})
    assert (result.code, result.out) == (1, "") and "Method encode_list does not exist in Provisioning." in result.err
