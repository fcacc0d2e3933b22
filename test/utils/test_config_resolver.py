"""Which configuration is active, without files, network or the real environment."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

import click
import pytest

from cloudinary_cli import defaults
from cloudinary_cli.errors import ConfigError, ConfigNotFound, NoConfiguration
from cloudinary_cli.utils import config_resolver, config_utils
from cloudinary_cli.utils.config_resolver import ResolvedConfig, Selection, Source, config_to_api_kwargs, resolve

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


@pytest.mark.parametrize(
    "args, expected",
    [
        ((URL, None, {**CFG, "__default__": "a"}, ENV), (Source.URL, None, "u")),
        ((None, "b", {**CFG, "__default__": "a"}, ENV), (Source.SAVED, "b", "b")),
        ((None, None, {**CFG, "__default__": "a"}, ENV), (Source.SAVED, "a", "a")),
        ((None, None, {**CFG, "__default__": "gone"}, ENV), (Source.ENVIRONMENT, None, "e")),
        ((None, None, {**CFG, "__default__": 1}, ENV), (Source.ENVIRONMENT, None, "e")),
        ((None, None, CFG, {}), (Source.NONE, None, "")),
    ],
)
def test_precedence(args: Any, expected: Any) -> None:
    found = pick(*args)
    assert (found.source, found.name, found.cloud_name) == expected


def test_c8_empty_options_are_refused() -> None:
    for config, saved in (("", None), (None, ""), (URL, "a"), ("", "")):
        with pytest.raises(click.UsageError):
            pick(config, saved)


def test_c1_nothing_of_the_environment_leaks_into_a_chosen_configuration() -> None:
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
    with pytest.raises(click.UsageError) as caught:
        pick("__default__", None, {**CFG, "__default__": "a"})
    assert "-C" not in caught.value.message.replace("-c/--config", "")


@pytest.mark.parametrize("name", ["gone", "__default__"])
def test_an_unknown_saved_name(name: str) -> None:
    with pytest.raises(ConfigNotFound, match=f"Config {name} does not exist"):
        pick(None, name, {**CFG, "__default__": "a"})


@pytest.mark.parametrize("name", ["bad", "n"])
def test_s4_a_bad_entry_is_a_problem_only_for_who_needs_it(name: str) -> None:
    for found in (pick(None, name), pick(None, None, {**CFG, "__default__": name})):
        assert (found.source, found.name, found.is_usable) == (Source.SAVED, name, False)
        with pytest.raises(ConfigError, match=f"'{name}' is unusable.*cld config -rm {name}"):
            found.require()


def test_c13_an_invalid_environment_is_a_problem_that_names_the_variable() -> None:
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


def test_a_config_as_api_arguments_has_no_bookkeeping_and_no_privates() -> None:
    from cloudinary_cli.auth.oauth_config import OAuthConfig

    url = (
        "cloudinary://c?oauth_token=t&refresh_token=r&issued_at=1&expires_at=2&region=api&issuer=i"
        "&upload_prefix=http%3A%2F%2Fh&oauth_base_url=http%3A%2F%2F127.0.0.1&refresh_state=x"
    )
    kwargs = config_to_api_kwargs(OAuthConfig.from_url(url))
    assert kwargs["oauth_token"] == "t" and kwargs["upload_prefix"] == "http://h" and kwargs["cloud_name"] == "c"
    assert not set(kwargs) & set(config_resolver.OAUTH_INTERNAL_KEYS)
    assert not [key for key in kwargs if key.startswith("_")]


def test_no_secret_in_a_repr() -> None:
    assert "TOPSECRET" not in repr(pick("cloudinary://k:TOPSECRET@c"))
