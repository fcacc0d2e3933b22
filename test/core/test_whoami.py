"""`cld whoami`: source, state, overridden sources and exit status, all offline."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest

from cloudinary_cli.auth.identity import Identity, rfc3339
from cloudinary_cli.auth.session import Session, to_cloudinary_url
from cloudinary_cli.config.login_state import State
from cloudinary_cli.config.refresh_state import Kind, RefreshState, fingerprint
from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.config.url import replace_query
from test.conftest import REPO
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]
KEY = "cloudinary://key:TOPSECRET@kcloud"
ENV = {"CLOUDINARY_URL": "cloudinary://ek:ENVSECRET@envcloud"}
HOUR = 3600


def login_url(left: int = HOUR, refresh: Optional[str] = "RTSECRET", **changes: Any) -> str:
    now = int(time.time())
    session = Session("acme", "ATSECRET", refresh, now - 300, now + left)
    return to_cloudinary_url(replace(session, **changes))


def dead(url: str, kind: Kind) -> str:
    """The entry with a journal record of its refresh token."""
    return replace_query(url, {"refresh_state": str(RefreshState(kind, fingerprint("RTSECRET"), 1, 1))})


@pytest.fixture
def saved(config_json: Path) -> Path:
    entries = {"login": login_url(), "key": KEY, "__default__": "login"}
    config_json.write_text(json.dumps(entries))
    return config_json


NAMED = {"CLOUDINARY_CONFIG_NAME": "key"}


@pytest.mark.parametrize(
    "args, env, source, chosen_by, name, cloud",
    [
        (["-c", "cloudinary://a:SECRET@inline"], {}, "flag", "-c", "(command-line)", "inline"),
        (["-C", "key"], {}, "saved", "-C", "key", "kcloud"),
        ([], NAMED, "saved", "CLOUDINARY_CONFIG_NAME", "key", "kcloud"),
        ([], {}, "default", "default", "login", "acme"),
        ([], {"CLOUDINARY_CONFIG_NAME": ""}, "default", "default", "login", "acme"),
        (["-C", "login"], NAMED, "saved", "-C", "login", "acme"),
        (["-c", "cloudinary://a:SECRET@inline"], NAMED, "flag", "-c", "(command-line)", "inline"),
    ],
)
def test_source_of_the_credential(
    who: Run, saved: Path, args: List[str], env: Dict[str, str], source: str, chosen_by: str, name: str, cloud: str
) -> None:
    found = who(*args, env=env)
    assert (found["source"], found["chosen_by"]) == (source, chosen_by)
    assert (found["name"], found["cloud_name"], found["code"]) == (name, cloud, 0)


@pytest.mark.parametrize(
    "env, chosen_by",
    [
        (ENV, "CLOUDINARY_URL"),
        ({"CLOUDINARY_CLOUD_NAME": "envcloud", "CLOUDINARY_API_KEY": "k"}, "CLOUDINARY_CLOUD_NAME"),
    ],
)
def test_the_environment_as_source(who: Run, home: Path, env: Dict[str, str], chosen_by: str) -> None:
    found = who(env={"CLOUDINARY_API_SECRET": "SECRET", **env})
    assert (found["source"], found["chosen_by"]) == ("environment", chosen_by)
    assert (found["name"], found["cloud_name"]) == ("(environment)", "envcloud")
    assert (found["type"], found["state"], found["expires_at"], found["code"]) == ("api_key", "unverified", None, 0)


def test_an_empty_variable_with_a_token_counts_as_unset(who: Run, home: Path) -> None:
    names = {"CLOUDINARY_CLOUD_NAME": "c", "CLOUDINARY_API_KEY": "k", "CLOUDINARY_API_SECRET": "SECRET"}
    found = who(env={**names, "CLOUDINARY_OAUTH_TOKEN": ""})
    assert (found["type"], found["state"], found["code"]) == ("api_key", "unverified", 0)


@pytest.mark.parametrize(
    "url, state, code",
    [
        (login_url(), "valid", 0),
        (login_url(left=-HOUR), "refreshable", 0),
        (login_url(left=-HOUR, refresh=None), "needs-login", 1),
        (login_url(refresh=None), "valid", 0),
        (dead(login_url(left=-HOUR), Kind.STARTED), "refreshable", 0),
        (dead(login_url(left=-HOUR), Kind.REFUSED), "needs-login", 1),
        (dead(login_url(left=-HOUR), Kind.RETRIED), "needs-login", 1),
        (dead(login_url(), Kind.REFUSED), "needs-login", 1),
        (dead(login_url(), Kind.RETRIED), "valid", 0),
        (dead(login_url(left=-HOUR, refresh="RTSECRET2"), Kind.REFUSED), "refreshable", 0),
    ],
    # The URLs hold the time, and every worker has to find the same names.
    ids=[
        "fresh",
        "stale",
        "stale, no refresh",
        "no refresh",
        "started",
        "refused",
        "retried",
        "fresh refused",
        "fresh retried",
        "other",
    ],
)
def test_state_of_a_saved_login(who: Run, config_json: Path, url: str, state: str, code: int) -> None:
    config_json.write_text(json.dumps({"two words": url, "__default__": "two words"}))
    found = who()
    assert (found["type"], found["state"], found["code"]) == ("oauth", state, code)
    assert found["expires_at_utc"] == rfc3339(found["expires_at"]) and found["verified"] is None
    assert ("Run: cld login 'two words'" in found["err"]) == bool(code)


def test_nothing_configured(who: Run, invoke: Run, home: Path) -> None:
    found = who()
    assert (found["name"], found["source"], found["state"], found["code"]) == (None, None, "needs-login", 1)
    assert "cld login" in found["err"]
    done = invoke("whoami")
    assert (done.code, done.out) == (1, "") and "cld login" in done.err


def test_a_configuration_without_credentials(who: Run, saved: Path) -> None:
    found = who("-c", "cloudinary://inline")
    assert (found["state"], found["code"]) == ("needs-login", 1) and "incomplete" in found["err"]


def test_an_entry_that_cannot_be_read(who: Run, config_json: Path) -> None:
    config_json.write_text(json.dumps({"bad": "garbage", "__default__": "bad"}))
    found = who()
    assert (found["name"], found["cloud_name"], found["code"]) == ("bad", None, 1)
    assert "cld config -rm bad" in found["err"]


def test_a_token_of_the_command_line_has_a_state_as_far_as_it_is_known(who: Run, saved: Path) -> None:
    url = "cloudinary://inline?oauth_token=ATSECRET"
    assert who("-c", url)["state"] == "unverified"
    assert who("-c", f"{url}&expires_at={int(time.time()) + HOUR}")["state"] == "valid"
    # It is static: a refresh token in it is not used.
    expired = who("-c", f"{url}&expires_at=2&refresh_token=RTSECRET")
    assert (expired["state"], expired["expires_at_utc"], expired["code"]) == ("needs-login", "1970-01-01T00:00:02Z", 1)
    assert "Log in: cld login" in expired["err"]


@pytest.mark.parametrize(
    "args, env, shadows",
    [
        ([], {}, []),
        (["-C", "key"], {}, []),
        ([], ENV, ["CLOUDINARY_URL"]),
        (["-c", "cloudinary://a:SECRET@c"], ENV, ["CLOUDINARY_URL"]),
        (["-C", "login"], NAMED, ["CLOUDINARY_CONFIG_NAME"]),
        (["-C", "key"], NAMED, []),
        ([], NAMED, ["default"]),
        ([], {"CLOUDINARY_CONFIG_NAME": "login"}, []),
        ([], {**NAMED, **ENV, "CLOUDINARY_CLOUD_NAME": "x"}, ["default", "CLOUDINARY_CLOUD_NAME", "CLOUDINARY_URL"]),
    ],
)
def test_shadowed_sources_are_named(
    who: Run, saved: Path, args: List[str], env: Dict[str, str], shadows: List[str]
) -> None:
    found = who(*args, env=env)
    assert found["shadows"] == shadows and found["code"] == 0
    assert found["err"].count("warning: ") == len(shadows)
    for source in shadows:
        assert ("stored default" if source == "default" else source) in found["err"]


def test_a_cloud_name_shadows_the_url(who: Run, home: Path) -> None:
    variables = {"CLOUDINARY_CLOUD_NAME": "x", "CLOUDINARY_API_KEY": "k", "CLOUDINARY_API_SECRET": "SECRET"}
    found = who(env={**ENV, **variables})
    assert (found["cloud_name"], found["shadows"]) == ("x", ["CLOUDINARY_URL"])


def test_the_human_view(invoke: Run, saved: Path) -> None:
    done = invoke("-C", "key", "whoami")
    lines = ["name:   key", "cloud:  kcloud", "type:   api_key", "source: saved (-C)", "state:  unverified"]
    assert (done.code, done.out.splitlines(), done.err) == (0, lines, "")
    assert "state:  valid (until 2" in invoke("whoami").out


def test_control_characters_in_a_name_are_escaped(invoke: Run, config_json: Path) -> None:
    name = "\x1b[31mred\nx"
    config_json.write_text(json.dumps({name: login_url(left=-HOUR, refresh=None), "__default__": name}))
    done = invoke("whoami", env=ENV)
    assert "\x1b" not in done.text and done.code == 1
    assert len(done.out.splitlines()) == 5 and len(done.err.splitlines()) == 2


def test_the_schema_is_the_documented_one(who: Run, saved: Path) -> None:
    page = (REPO / "docs" / "whoami.md").read_text(encoding="utf-8")
    table = page.split("## JSON", 1)[1].split("##", 1)[0]
    members = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    found = who()
    assert members == list(Identity("", "", "", "", "", State.VALID).as_json())
    assert members == [member for member in found if member not in ("code", "err")]
    assert found["schema_version"] == 1
    for state in State:
        assert f"`{state.value}`" in page


@pytest.mark.parametrize("epoch", [10**18, -(10**18)])
def test_a_time_out_of_range_has_no_text(epoch: int) -> None:
    assert rfc3339(epoch) is None


def test_whoami_sends_nothing(who: Run, box: SandboxClient, store: ConfigStore) -> None:
    box.save_login(store)
    box.reset()
    assert who("-C", "box")["state"] == "refreshable"
    assert box.call("GET", "requests")["requests"] == []


# -- CLOUDINARY_CONFIG_NAME


def test_an_unknown_name_in_the_variable_is_explained(who: Run, invoke: Run, saved: Path) -> None:
    env = {"CLOUDINARY_CONFIG_NAME": "no\x1bpe", **ENV}
    for args in (["admin", "ping"], ["config"], ["url", "x"], ["whoami"], ["token"]):
        done = invoke(*args, env=env)
        assert done.code == 1 and done.out == "", args
        assert "CLOUDINARY_CONFIG_NAME is 'no\\x1bpe'" in done.err and "cld config -ls" in done.err
    assert who("-C", "key", env=env)["code"] == 0, "the flag wins"


def test_reserved_names_are_not_configurations(who: Run, saved: Path) -> None:
    found = who(env={"CLOUDINARY_CONFIG_NAME": "__default__"})
    assert (found["code"], found["name"]) == (1, None) and "CLOUDINARY_CONFIG_NAME is '__default__'" in found["err"]


def test_commands_that_need_no_configuration_run_with_an_unknown_name(invoke: Run, saved: Path) -> None:
    env = {"CLOUDINARY_CONFIG_NAME": "nope"}
    listing = invoke("config", "-ls", "--json", env=env)
    assert listing.code == 0 and "CLOUDINARY_CONFIG_NAME" in listing.err
    assert [row["active"] for row in json.loads(listing.out)] == [False, False]
    assert invoke("config", "-d", "key", env=env).code == 0


def test_the_list_shows_what_the_variable_selects(invoke: Run, saved: Path) -> None:
    rows = json.loads(invoke("config", "-ls", "--json", env={**NAMED, **ENV}).out)
    assert [row["name"] for row in rows if row["active"]] == ["key"]
    assert [row["name"] for row in rows if row["default"]] == ["login"]


def test_the_variables_of_the_cli_are_not_fields_of_a_configuration(invoke: Run, home: Path) -> None:
    own = ["CONFIG_NAME", "HOME", "REGION", "OAUTH_CLIENT_ID", "OAUTH_REDIRECT_PORT", "CLI_EXIT_CODES"]
    env = {f"CLOUDINARY_{name}": "" for name in own}
    env.update(CLOUDINARY_HOME=str(home), CLOUDINARY_REGION="eu", CLOUDINARY_CLI_EXIT_CODES="detailed")
    env.update(CLOUDINARY_CLOUD_NAME="c", CLOUDINARY_API_KEY="k", CLOUDINARY_API_SECRET="s", CLOUDINARY_SECURE="true")
    shown = json.loads(invoke("config", "--json", env=env).out)
    assert not {name.lower() for name in own} & set(shown)
    assert (shown["cloud_name"], shown["secure"]) == ("c", True)
