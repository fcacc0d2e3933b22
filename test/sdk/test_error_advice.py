"""The error line of a failed API call: the server's text, the host, the credentials, and what to type."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from test.support.cloudinary_server import CloudinaryServer, Reply
from test.support.tls import TinyServer, make_certificate

Run = Callable[..., Any]


def refuse(server: CloudinaryServer, status: int, text: str = "the server's text") -> None:
    # Retry-After longer than any budget: the first response is final.
    server.on("*", "", Reply(status, {"error": {"message": text}}, {"Retry-After": "9999"}))


def host(server: CloudinaryServer) -> str:
    return server.url.partition("://")[2]


@pytest.mark.parametrize(
    "status, advice",
    [
        (401, "rejected the API key of -c. Check it with: cld config. To log in instead: cld login"),
        (403, "accepted the API key of -c, which does not have the permission or the feature for this call. To use"),
        (404, "looked in cloud 'demo', with the API key of -c. To use another account: cld -C NAME <command>."),
        (420, "limits the calls of cloud 'demo' (the API key of -c). Wait, and run it again."),
        (429, "limits the calls of cloud 'demo' (the API key of -c). Wait, and run it again."),
        (503, ". Try again later. Outages: https://status.cloudinary.com"),
    ],
)
@pytest.mark.parametrize("command", [["admin", "ping"], ["uploader", "upload", "http://x/a.jpg"]], ids=lambda c: c[0])
def test_a_refusal_names_host_credentials_and_what_to_type(
    server: CloudinaryServer, invoke: Run, command: List[str], status: int, advice: str
) -> None:
    refuse(server, status)
    done = invoke("-c", server.config_url(), *command)
    assert (done.code, done.out) == (1, "") and done.err.count("\n") == 1, done.err
    assert "the server's text. " in done.err and host(server) in done.err and advice in done.err


def test_a_bad_argument_needs_no_advice(server: CloudinaryServer, invoke: Run) -> None:
    refuse(server, 400, "Invalid value")
    assert invoke("-c", server.config_url(), "admin", "ping").err == "error: Error 400 - Invalid value\n"


@pytest.mark.parametrize(
    "arguments, environment, phrase",
    [
        (["-C", "prod"], False, "rejected the saved configuration 'prod'"),
        (["-C", "work"], False, "rejected the saved login 'work'. Run: cld login work"),
        ([], True, "rejected the API key of CLOUDINARY_URL"),
    ],
)
def test_a_401_names_where_the_credentials_come_from(
    server: CloudinaryServer, invoke: Run, config_json: Path, arguments: List[str], environment: bool, phrase: str
) -> None:
    login = server.config_url(credentials="", oauth_token="t")
    config_json.write_text(json.dumps({"prod": server.config_url(), "work": login}))
    refuse(server, 401)
    env = {"CLOUDINARY_URL": server.config_url()} if environment else {}
    assert phrase in invoke(*arguments, "admin", "ping", env=env).err


def test_a_401_of_the_provisioning_api_names_its_variable(server: CloudinaryServer, invoke: Run) -> None:
    refuse(server, 401)
    env = {"CLOUDINARY_ACCOUNT_URL": "account://k:s@a", "CLOUDINARY_UPLOAD_PREFIX": server.url}
    err = invoke("provisioning", "sub_accounts", env=env).err
    assert "rejected the API key of CLOUDINARY_ACCOUNT_URL. Check the key and secret" in err


def test_credentials_among_the_arguments_are_not_taken_for_the_saved_ones(
    server: CloudinaryServer, invoke: Run
) -> None:
    refuse(server, 401)
    err = invoke("-c", server.config_url(), "admin", "ping", "api_key=7", "api_secret=geheim").err
    assert "rejected the credentials among the arguments" in err and "geheim" not in err


# -- without a response


def failed(invoke: Run, prefix: str, env: Dict[str, str], *command: str) -> str:
    done = invoke("-c", f"cloudinary://k:s@demo?upload_prefix={prefix}", *(command or ("admin", "ping")), env=env)
    # Before it, there may be a warning that the prefix is not https.
    line = str(done.err).splitlines()[-1]
    assert done.code == 1 and line.startswith("error: Unexpected error - "), done.err
    assert "Pool" not in line and "object at" not in line
    return line


@pytest.mark.parametrize("command", [["admin", "ping"], ["uploader", "upload", "http://x/a.jpg"]], ids=lambda c: c[0])
def test_a_refused_connection(invoke: Run, command: List[str]) -> None:
    err = failed(invoke, "http://127.0.0.1:1", {}, *command)
    assert "Cannot connect to 127.0.0.1:1: Connection refused. Check the network connection." in err
    assert "CLOUDINARY_UPLOAD_PREFIX" in err


def test_a_host_name_that_does_not_exist(invoke: Run) -> None:
    err = failed(invoke, "http://no-such-host.invalid", {})
    assert "Cannot connect to no-such-host.invalid: its name cannot be resolved (" in err


def test_a_certificate_that_is_not_trusted(invoke: Run, tmp_path: Path) -> None:
    with TinyServer(lambda handler: None, make_certificate(tmp_path)[0]) as server:
        err = failed(invoke, server.url, {})
    assert "TLS to " in err and "REQUESTS_CA_BUNDLE" in err


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_does_not_respond_is_named_by_its_variable(invoke: Run, variable: str) -> None:
    err = failed(invoke, "http://api.example", {variable: "http://127.0.0.1:1"})
    assert f"The proxy cannot be used to reach api.example: Connection refused. Check {variable}." in err


def test_the_proxy_of_a_configuration(invoke: Run) -> None:
    err = failed(invoke, "http://api.example&api_proxy=http://127.0.0.1:1", {})
    assert "Check api_proxy in the configuration." in err


def test_a_server_that_does_not_respond_in_time(invoke: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prefix = f"http://127.0.0.1:{silent.getsockname()[1]}"
        err = failed(invoke, f"{prefix}&timeout=0.1", {}, "uploader", "upload", "http://x/a.jpg")
    assert f"No response from {prefix[7:]} in time." in err and "timeout=SECONDS" in err
