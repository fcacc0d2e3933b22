"""Each command is run against the sandbox, and what it sends is compared: method, path, and what matters of the rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from test.support.command_tree import leaf_commands
from test.support.ports import free_port
from test.support.sandbox_client import SandboxClient

V = "/v1_1/sandbox"
P = "/v1_1/provisioning"
ACCOUNT = f"{P}/accounts/00000000-0000-4000-8000-000000000001"
Sent = Tuple[str, str, Dict[str, Any]]
CASES: List[Tuple[List[str], List[Sent]]] = [
    (["help"], []),
    (["version"], []),
    (["admin", "ping"], [("GET", f"{V}/ping", {})]),
    (["ping"], [("GET", f"{V}/ping", {})]),
    (["admin", "resources", "max_results=3"], [("GET", f"{V}/resources/image", {"max_results": "3"})]),
    (
        ["admin", "delete_resources", "a", "b", "c", "-F"],
        [("DELETE", f"{V}/resources/image/upload", {"public_ids": ["a", "b", "c"]})],
    ),
    (
        ["uploader", "upload", "data:image/gif;base64,R0lGODlhAQABAAAAACw=", "public_id=x", "tags=a,b"],
        [("POST", f"{V}/auto/upload", {"public_id": "x", "tags": "a,b"})],
    ),
    (
        [
            "upload",
            "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
            "--public_id=x",
            "--display-name",
            "n",
            "-o",
            "tags=a,b",
        ],
        [("POST", f"{V}/auto/upload", {"public_id": "x", "display_name": "n", "tags": "a,b"})],
    ),
    (
        ["resources_by_ids", "x", "y", "--tags=true"],
        [("GET", f"{V}/resources/image/upload", {"public_ids[]": ["x", "y"], "tags": "true"})],
    ),
    (["uploader", "add_tag", "t", "x", "y"], [("POST", f"{V}/image/tags", {"tag": "t", "public_ids[]": ["x", "y"]})]),
    (["provisioning", "users"], [("GET", f"{ACCOUNT}/users", {})]),
    (
        ["search", "x AND y", "-n", "7", "-s", "public_id", "asc"],
        [
            (
                "POST",
                f"{V}/resources/search",
                {"expression": "x AND y", "max_results": 7, "sort_by": [{"public_id": "asc"}]},
            )
        ],
    ),
    (["search_folders", "path=a*"], [("POST", f"{V}/folders/search", {"expression": "path=a*", "max_results": 10})]),
    (
        ["agent", "signup", "Ann@Example.com", "f", "m", "g"],
        [("POST", f"{P}/agents/accounts", {"email": "Ann@Example.com", "agent_framework": "f", "agent_goal": "g"})],
    ),
    (["agent", "cloud", "create", "--ip", "1.2.3.4"], [("POST", f"{P}/clouds", {"delivery_ips": ["1.2.3.4"]})]),
    (["whoami"], []),
    (["whoami", "--verify"], [("GET", f"{V}/ping", {})]),
    (["config", "-n", "saved", "{url}"], [("GET", f"{V}/ping", {})]),
    (
        ["sync", "photos", "/", "--pull", "--dry-run"],
        [
            ("GET", f"{V}/config", {"settings": "true"}),
            ("POST", f"{V}/resources/search", {"expression": 'asset_folder:"*"', "max_results": 500}),
        ],
    ),
    (
        ["check", "user", "/", "--one-way"],
        [
            ("GET", f"{V}/config", {"settings": "true"}),
            ("POST", f"{V}/resources/search", {"expression": 'asset_folder:"*"', "max_results": 500}),
        ],
    ),
    (["upload_dir", "user"], [("GET", f"{V}/config", {"settings": "true"})]),
    (["migrate", "legacy", "-"], [("GET", f"{V}/upload_mappings", {"folder": "legacy"})]),
    (
        ["regen_derived", "thumb", "-A", "-F"],
        [("GET", f"{V}/transformations", {"transformation": "thumb", "max_results": "500"})],
    ),
    (
        ["clone", "cloudinary://k:s@other?upload_prefix={prefix}", "--dry-run", "-se", "x OR y"],
        [
            ("GET", "/v1_1/other/ping", {}),
            (
                "POST",
                f"{V}/resources/search",
                {
                    "expression": "(x OR y) AND (type:upload OR type:private OR type:authenticated)",
                    "max_results": 500,
                },
            ),
        ],
    ),
    (["config"], []),
    (["config", "-ls", "--json"], []),
    (["url", "x", "w_100"], []),
    (["utils", "api_sign_request", '{"a":1}', "s"], []),
    (["make", "upload", "widget"], []),
    (["search", "x", "--url"], []),
    (["sample"], []),
    (["couple"], []),
    (["dog"], []),
    (["admin", "-ls"], []),
    (["completion", "bash"], []),
]
PING = [sys.executable, "-c", "import cloudinary.api as api; api.ping()"]
OAUTH: List[Tuple[List[str], List[Tuple[str, str]]]] = [
    (["login", "new"], [("GET", "/oauth2/auth"), ("POST", "/oauth2/token")]),
    (["config", "-r", "box", "-f"], [("POST", "/oauth2/token")]),
    (["-C", "box", "whoami"], []),
    (["token", "box"], [("POST", "/oauth2/token")]),
    (["config", "-ra", "--json"], [("POST", "/oauth2/token")]),
    (["config", "-ls", "--json"], []),
    (["exec", "box", "--", *PING], [("POST", "/oauth2/token"), ("GET", f"{V}/ping")]),
    (["logout", "box"], [("POST", "/oauth2/revoke")]),
    (["logout", "--all", "-F"], [("POST", "/oauth2/revoke")]),
    (["config", "-rm", "box"], [("POST", "/oauth2/revoke")]),
    (["-C", "box", "admin", "ping"], [("POST", "/oauth2/token"), ("GET", f"{V}/ping")]),
]
CLAIMING = [
    ["agent", "cloud", "list"],
    ["agent", "cloud", "claim", "new"],
    ["agent", "cloud", "claim", "new", "--done"],
]


@pytest.fixture
def env(box: SandboxClient, home: Path) -> Dict[str, str]:
    storage = box.server.state.storage
    storage.put_document("sandbox", "upload_mapping", "legacy", {"folder": "legacy", "template": "http://127.0.0.1:9/"})
    storage.put_document("sandbox", "transformation", "t_thumb", {"name": "t_thumb", "named": True, "info": []})
    box.server.state.clouds.add("other", "k", "s")
    box.put("x")
    return {**box.server.environment(home), "CLOUDINARY_OAUTH_REDIRECT_PORT": str(free_port())}


def sent_by(entry: Dict[str, Any]) -> Dict[str, Any]:
    values: Dict[str, Any] = {}
    for part in ("query", "form", "json"):
        values.update(entry.get(part) or {})
    return values


@pytest.mark.parametrize(
    "args, expected", CASES, ids=lambda value: " ".join(value)[:40] if value and isinstance(value[0], str) else ""
)
def test_requests_of_a_command(
    args: List[str], expected: List[Sent], box: SandboxClient, env: Dict[str, str], cld: Any
) -> None:
    words = {"{url}": env["CLOUDINARY_URL"], "{prefix}": box.url}
    for word, value in words.items():
        args = [arg.replace(word, value) for arg in args]
    done = cld(*args, env=env)
    assert done.code == 0, done.err
    seen = [entry for entry in box.requests("/") if not entry["path"].startswith("/sandbox/")]
    assert [(entry["method"], entry["path"]) for entry in seen] == [(method, path) for method, path, _ in expected]
    for entry, (_, _, values) in zip(seen, expected):
        sent = sent_by(entry)
        assert {name: sent.get(name) for name in values} == values, sent
        assert entry["user_agent"].startswith("CloudinaryCLI/2") and entry["status"] == 200


@pytest.mark.parametrize(
    "args, expected", OAUTH, ids=lambda value: " ".join(value)[:40] if value and isinstance(value[0], str) else ""
)
def test_requests_of_a_login(
    args: List[str], expected: List[Tuple[str, str]], box: SandboxClient, env: Dict[str, str], cld: Any, store: Any
) -> None:
    box.save_login(store)
    box.call("DELETE", "requests")
    done = cld(*args, env=env)
    assert done.code == 0, done.err
    seen = [(entry["method"], entry["path"]) for entry in box.requests("/") if entry["path"].startswith(("/oauth2", V))]
    assert seen == expected


def test_requests_of_claimable_clouds(box: SandboxClient, env: Dict[str, str], cld: Any) -> None:
    assert cld("agent", "cloud", "create", "--name", "new", env=env).code == 0
    box.call("DELETE", "requests")
    for args in CLAIMING:
        assert cld(*args, env=env).code == 0
    assert [entry for entry in box.requests("/") if not entry["path"].startswith("/sandbox/")] == []


def test_every_command_has_a_case() -> None:
    tried = [args for args, _ in [*CASES, *OAUTH]] + CLAIMING
    lines = [" ".join(args) for args in tried]
    missing = [words for words in leaf_commands() if not any(" ".join(words) in line for line in lines)]
    assert {words[0] for words in missing} == {"sandbox"}  # see test/sandbox/test_runner.py
