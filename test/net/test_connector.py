"""The SDK's connector: HTTP errors are errors, retries, timeouts, redirects, proxies and CA files."""

from __future__ import annotations

import contextlib
import email.utils
import importlib
import json
import socket
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from cloudinary_cli.config.resolver import Selection, resolve
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net import connector as sdk_transport
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.sdk.call import call_api
from test.support.sdk_state import CONNECTORS, reset_sdk
from test.support.tls import TinyServer, make_certificate, reply


def use(url: str, query: str = "") -> None:
    resolved = resolve(Selection(config=f"cloudinary://k:s@c?upload_prefix={url}{query}"), {}, {})
    activation.activate(resolved, ConfigStore())


def ping() -> Any:
    return call_api(loader.module("admin").ping)


def upload() -> Any:
    return call_api(loader.module("uploader").upload, "http://x/a.jpg")


def script(responses: List[Any]) -> Any:
    """A handler that gives these responses in order, and then repeats the last one."""

    def respond(handler: Any) -> None:
        status, body, headers = responses.pop(0) if len(responses) > 1 else responses[0]
        reply(handler, status, body, **headers)

    return respond


@pytest.mark.parametrize("call", [ping, upload])
@pytest.mark.parametrize("status", [400, 409, 418, 505])
def test_an_error_without_an_error_key_is_an_error(call: Any, status: int) -> None:
    with TinyServer(script([(status, '{"email": ["has already been taken"]}', {})])) as server:
        use(server.url)
        with pytest.raises(ApiError, match=f"HTTP {status}.*has already been taken"):
            call()


@pytest.mark.parametrize("body", ['{"error": "text"}', '["x"]', '{"error": {"code": 1}}'])
def test_error_bodies_of_any_shape(body: str) -> None:
    with TinyServer(script([(400, body, {})])) as server:
        use(server.url)
        with pytest.raises(ApiError, match="HTTP 400"):
            ping()


@pytest.mark.parametrize("status", [420, 429, 503])
@pytest.mark.parametrize("call", [ping, upload])
def test_a_request_that_was_refused_before_processing_is_repeated(call: Any, status: int) -> None:
    with TinyServer(script([(status, "{}", {"Retry_After": "0"}), (200, '{"status": "ok"}', {})])) as server:
        use(server.url)
        assert call()["status"] == "ok"
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [500, 502, 504])
def test_server_errors_are_repeated_for_reads_only(status: int) -> None:
    responses = [(status, "{}", {}), (200, '{"status": "ok"}', {})]
    with TinyServer(script(list(responses))) as server:
        use(server.url)
        assert ping()["status"] == "ok"
    with TinyServer(script(list(responses))) as server:
        use(server.url)
        with pytest.raises(ApiError):
            upload()
    assert len(server.seen) == 1


def test_a_long_rate_limit_is_reported_not_waited_for() -> None:
    body = json.dumps({"error": {"message": "Rate limited"}})
    with TinyServer(script([(420, body, {"Retry_After": "3600"})])) as server:
        use(server.url)
        with pytest.raises(ApiError, match="Error 420 - Rate limited"):
            ping()
    assert len(server.seen) == 1


def test_redirects_are_not_followed() -> None:
    with TinyServer(reply) as thief:
        with TinyServer(script([(307, "{}", {"Location": f"{thief.url}/steal"})])) as server:
            use(server.url)
            with pytest.raises(ApiError, match="HTTP 307"):
                ping()
        assert thief.seen == []


def test_the_timeout_of_the_configuration_is_used() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        use(f"http://127.0.0.1:{silent.getsockname()[1]}", "&timeout=0.2")
        with pytest.raises(ApiError):
            upload()


def test_a_test_does_not_pass_its_connector_or_account_to_the_next_one() -> None:
    use("http://127.0.0.1:1", "&timeout=0.2")
    activation.install_account({"CLOUDINARY_ACCOUNT_URL": "account://k:s@account"})
    reset_sdk()
    modules = [importlib.import_module(name) for name in CONNECTORS]
    assert not [module for module in modules if isinstance(vars(module)["_http"], sdk_transport.Connector)]
    assert importlib.import_module("cloudinary.provisioning").account_config().account_id is None


def test_user_agent_names_the_cli() -> None:
    with TinyServer(script([(200, "{}", {})])) as server:
        use(server.url)
        ping()
    assert server.seen[0].headers["User-Agent"].startswith("CloudinaryCLI/2.0.0")


def test_the_ca_variable_is_used_for_api_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, ca_file = make_certificate(tmp_path)
    with TinyServer(script([(200, '{"status": "ok"}', {})]), context) as server:
        use(server.url)
        with pytest.raises(ApiError):
            ping()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
        use(server.url)
        assert ping() == {"status": "ok"}


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with TinyServer(lambda handler: reply(handler, 403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        use("https://api.example.invalid")
        with pytest.raises(ApiError):
            upload()
    assert proxy.seen[0].method == "CONNECT" and proxy.seen[0].path == "api.example.invalid:443"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Accepts connections, and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("call", [ping, upload])
def test_a_silent_server_times_out_without_a_setting(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch, call: Any
) -> None:
    # Patched: the real timeout is two minutes. Without any timeout the test would not end.
    monkeypatch.setattr(sdk_transport, "READ_TIMEOUT_SECONDS", 0.2)
    use(f"http://127.0.0.1:{silent.getsockname()[1]}")
    with pytest.raises(ApiError, match=r"No response from 127.0.0.1:\d+ in time"):
        call()


def test_a_connection_that_is_not_accepted_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched for the same reason. The queue of a listener that accepts nothing is full after two connections.
    monkeypatch.setattr(sdk_transport, "CONNECT_TIMEOUT_SECONDS", 0.2)
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        use(f"http://127.0.0.1:{full.getsockname()[1]}", "&timeout=30")
        with pytest.raises(ApiError, match="(?i)connect"):
            ping()


@pytest.mark.parametrize("header", ["Retry-After", "X-FeatureRateLimit-Reset"])
@pytest.mark.parametrize("status", [420, 429])
def test_retries_wait_for_the_time_in_the_response(status: int, header: str) -> None:
    moment = int(time.time()) + 3  # whole seconds: HTTP dates have no others
    headers = {header: email.utils.formatdate(moment, usegmt=True), "X-FeatureRateLimit-Remaining": "0"}
    asked: List[float] = []

    def respond(handler: Any) -> None:
        asked.append(time.time())
        reply(handler, *((status, "{}") if len(asked) == 1 else (200, '{"status": "ok"}')), **headers)

    with TinyServer(respond) as server:
        use(server.url)
        assert ping()["status"] == "ok"
    assert len(asked) == 2 and asked[1] >= moment
