"""Which configuration is active, without files, network or the real environment."""

from __future__ import annotations

import itertools
import logging
import os
from typing import Any, Dict, Mapping, Optional, Tuple

import click
import pytest

from cloudinary_cli import defaults
from cloudinary_cli.config.resolver import ResolvedConfig, Selection, Source, config_to_api_kwargs, resolve
from cloudinary_cli.config.url import parse
from cloudinary_cli.errors import ConfigError, ConfigNotFound, NoConfiguration
from cloudinary_cli.utils import config_resolver, config_utils

URL = "cloudinary://k:s@u"
CFG = {"a": "cloudinary://k:s@a", "b": "cloudinary://b?oauth_token=t", "bad": "garbage", "n": 1}
ENV = {"CLOUDINARY_URL": "cloudinary://ek:es@e?oauth_token=ENVTOK&secure_distribution=env.example.com"}


def pick(
    config: Optional[str] = None,
    saved: Optional[str] = None,
    cfg: Mapping[str, Any] = CFG,
    environ: Optional[Dict[str, str]] = None,
) -> ResolvedConfig:
    return resolve(Selection(config, saved), cfg, environ or {})


@pytest.mark.parametrize("given", list(itertools.product([True, False], repeat=5)))
def test_the_first_that_is_given_wins(given: Tuple[bool, ...]) -> None:
    """-c, -C, CLOUDINARY_CONFIG_NAME, the stored default, the environment; in each combination of them."""
    option, saved, variable, default, environment = given
    if option and saved:
        pytest.raises(click.UsageError, pick, URL, "b")
        return
    cfg = {**CFG, "v": "cloudinary://k:s@v", **({"__default__": "a"} if default else {})}
    environ = {**(ENV if environment else {}), "CLOUDINARY_CONFIG_NAME": "v" if variable else ""}
    found = pick(URL if option else None, "b" if saved else None, cfg, environ)
    sources = [
        (Source.URL, None, "u", "-c"),
        (Source.SAVED, "b", "b", "-C"),
        (Source.SAVED, "v", "v", "CLOUDINARY_CONFIG_NAME"),
        (Source.SAVED, "a", "a", "default"),
        (Source.ENVIRONMENT, None, "e", "CLOUDINARY_URL"),
    ]
    expected = next(itertools.compress(sources, given), (Source.NONE, None, "", ""))
    assert (found.source, found.name, found.cloud_name, found.chosen_by) == expected


@pytest.mark.parametrize("default", ["gone", 1, None, "__default__"])
def test_a_default_that_names_nothing_is_passed_over(default: Any) -> None:
    found = pick(None, None, {**CFG, "__default__": default}, ENV)
    assert (found.source, found.cloud_name) == (Source.ENVIRONMENT, "e")


def test_in_the_environment_a_cloud_name_comes_before_a_url() -> None:
    for environ, chosen in (({**ENV, "CLOUDINARY_CLOUD_NAME": "n"}, "n"), ({**ENV, "CLOUDINARY_CLOUD_NAME": ""}, "e")):
        found = pick(environ=environ)
        assert (found.source, found.cloud_name) == (Source.ENVIRONMENT, chosen)
        assert found.chosen_by == ("CLOUDINARY_CLOUD_NAME" if chosen == "n" else "CLOUDINARY_URL")


@pytest.mark.parametrize("name", ["gone", "__default__", "x\x1b[31m"])
def test_an_unknown_name_in_the_variable_is_a_problem_for_commands_that_need_a_configuration(name: str) -> None:
    found = pick(None, None, {**CFG, "__default__": "a"}, {**ENV, "CLOUDINARY_CONFIG_NAME": name})
    assert (found.source, found.fields, found.chosen_by) == (Source.NONE, {}, "CLOUDINARY_CONFIG_NAME")
    assert not found.is_usable, "neither the default nor the environment stands in for it"
    with pytest.raises(ConfigError, match="CLOUDINARY_CONFIG_NAME is '.*cld config -ls.*unset CLOUDINARY_C") as caught:
        found.require()
    assert "\x1b" not in str(caught.value)


def test_empty_options_are_refused() -> None:
    for config, saved, told in (
        ("", None, "-c/--config needs a CLOUDINARY_URL.*it is empty"),
        (None, "", "-C/--config_saved needs the name.*it is empty"),
        (URL, "a", "mutually exclusive"),
        ("", "", "mutually exclusive"),
    ):
        with pytest.raises(click.UsageError, match=told):
            pick(config, saved, {**CFG, "__default__": "a"}, ENV)


def test_nothing_of_the_environment_leaks_into_a_chosen_configuration() -> None:
    for found in (
        pick(URL, None, CFG, ENV),
        pick(None, "a", CFG, ENV),
        pick(None, None, {**CFG, "__default__": "a"}, ENV),
    ):
        assert set(found.fields) == {"cloud_name", "api_key", "api_secret", "private_cdn"}
        assert not found.has_oauth and found.fields["api_key"] == "k"


def test_a_bad_command_line_url_is_explained_and_not_repeated() -> None:
    with pytest.raises(click.UsageError) as caught:
        pick("http://k:TOPSECRET@c")
    assert "cloudinary://<api_key>:<api_secret>@<cloud_name>" in caught.value.message
    assert "TOPSECRET" not in caught.value.message
    with pytest.raises(click.UsageError, match="use -C a"):
        pick("a")
    with pytest.raises(click.UsageError, match="use -C 'a b'"):
        pick("a b", None, {"a b": URL})
    with pytest.raises(click.UsageError) as caught:
        pick("__default__", None, {**CFG, "__default__": "a"})
    assert "-C" not in caught.value.message.replace("-c/--config", "")


@pytest.mark.parametrize("name", ["gone", "__default__"])
def test_an_unknown_saved_name(name: str) -> None:
    with pytest.raises(ConfigNotFound, match=f"Config {name} does not exist"):
        pick(None, name, {**CFG, "__default__": "a"})


@pytest.mark.parametrize("name", ["bad", "n"])
def test_a_bad_entry_is_a_problem_only_for_commands_that_need_it(name: str) -> None:
    for found in (pick(None, name), pick(None, None, {**CFG, "__default__": name})):
        assert (found.source, found.name, found.is_usable) == (Source.SAVED, name, False)
        with pytest.raises(ConfigError, match=f"'{name}' is unusable.*cld config -rm {name}"):
            found.require()


def test_the_command_that_removes_a_bad_entry_can_be_pasted() -> None:
    with pytest.raises(ConfigError, match="Remove it: cld config -rm 'a b'$"):
        pick(None, "a b", {"a b": "garbage"}).require()


def test_an_invalid_environment_is_a_problem_that_names_the_variable() -> None:
    found = pick(None, None, CFG, {"CLOUDINARY_URL": "http://k:TOPSECRET@c"})
    assert found.source is Source.NONE
    with pytest.raises(ConfigError, match="environment variable CLOUDINARY_URL is invalid") as caught:
        found.require()
    assert "TOPSECRET" not in str(caught.value)
    assert pick(None, "a", CFG, {"CLOUDINARY_URL": "http://x"}).is_usable


@pytest.mark.parametrize(
    "found, message",
    [
        (lambda: pick("cloudinary://c"), defaults.INCOMPLETE_CONFIG_MESSAGE),
        (lambda: pick("cloudinary://k@c"), defaults.INCOMPLETE_CONFIG_MESSAGE),
        (lambda: pick(None, "x", {"x": "cloudinary://c?oauth_token="}), defaults.INCOMPLETE_CONFIG_MESSAGE),
        (lambda: pick(), defaults.NO_DEFAULT_CONFIG_MESSAGE),
        (lambda: pick(cfg={}), defaults.NO_CONFIG_MESSAGE),
        (ResolvedConfig, defaults.NO_CONFIG_MESSAGE),
        (lambda: pick(cfg={"__other__": 1}), defaults.NO_CONFIG_MESSAGE),
    ],
)
def test_guidance_for_an_unusable_shape(found: Any, message: str) -> None:
    with pytest.raises(NoConfiguration) as caught:
        found().require()
    assert str(caught.value) == message


def test_usable_shapes_and_types() -> None:
    assert pick(URL).require().type == "api_key"
    assert pick(None, "b").require().type == "oauth"
    found = pick(None, None, {}, {"CLOUDINARY_CLOUD_NAME": "c", "CLOUDINARY_OAUTH_TOKEN": "t"})
    assert (found.require().type, found.source) == ("oauth", Source.ENVIRONMENT)


def test_the_result_of_the_last_resolution_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    config_utils.update_config(dict(CFG))
    assert config_resolver.resolve_cli_config(None, "a") is True
    assert config_resolver.active_config_name() == "a"
    assert config_resolver.resolve_cli_config(URL, None) is True
    assert (config_resolver.active_config_name(), config_resolver.active_config_is_url()) == (None, True)
    monkeypatch.setitem(os.environ, "CLOUDINARY_URL", URL)
    assert config_resolver.resolve_cli_config(None, None) is True
    assert config_resolver.active_config_is_env() and not config_resolver.active_config_is_url()
    monkeypatch.delitem(os.environ, "CLOUDINARY_URL")
    assert config_resolver.resolve_cli_config(None, None, warn_if_unconfigured=False) is False
    assert config_resolver.last_resolved() == ResolvedConfig(any_saved=True)


def test_resolving_without_a_configuration_warns_unless_the_warning_is_disabled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "cloudinary_cli"):
        assert config_resolver.resolve_cli_config(None, None, warn_if_unconfigured=False) is False
        assert config_resolver.resolve_cli_config(URL, None) is True
        assert caplog.messages == []
        assert config_resolver.resolve_cli_config(None, None) is False
    assert caplog.messages == [defaults.NO_CONFIG_MESSAGE]


def test_a_config_as_api_arguments_has_no_internal_and_no_private_fields() -> None:
    from cloudinary_cli.auth.oauth_config import OAuthConfig

    url = (
        "cloudinary://c?oauth_token=t&refresh_token=r&issued_at=1&expires_at=2&region=api&issuer=i"
        "&upload_prefix=http%3A%2F%2Fh&oauth_base_url=http%3A%2F%2F127.0.0.1&refresh_state=x"
    )
    kwargs = config_to_api_kwargs(OAuthConfig.from_url(url))
    assert kwargs["oauth_token"] == "t" and kwargs["upload_prefix"] == "http://h" and kwargs["cloud_name"] == "c"
    assert not set(kwargs) & set(defaults.OAUTH_INTERNAL_KEYS)
    assert not [key for key in kwargs if key.startswith("_")]


def test_a_stale_token_is_renewed_before_it_becomes_an_argument(config_json: Any) -> None:
    from cloudinary_cli.auth.oauth_config import LiveLogin, OAuthConfig
    from cloudinary_cli.auth.refresh import Refresher

    url, store = "cloudinary://c?oauth_token=stale&refresh_token=r", config_utils.ConfigStore(str(config_json))
    store.save({"work": url})
    renewing = Refresher(store, refresh=lambda *args, **options: {"access_token": "renewed", "expires_in": 300})
    config = OAuthConfig(parse(url).fields(), LiveLogin("work", url, renewing))
    assert config_to_api_kwargs(config)["oauth_token"] == "renewed"
    assert "oauth_token" not in config_to_api_kwargs(OAuthConfig.from_url(URL))


def test_no_secret_in_a_repr() -> None:
    assert "TOPSECRET" not in repr(pick("cloudinary://k:TOPSECRET@c"))
