"""The URL codec: reading as the SDK reads, writing that keeps what it does not know, errors without secrets."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_fields, environment_is_configured
from cloudinary_cli.errors import InvalidConfigUrl
from cloudinary_cli.system.sdk_import import hidden_environment, import_sdk


def sdk_fields(url: str) -> Dict[str, Any]:
    """The fields that the SDK reads from a URL: the expected result of parse()."""
    with hidden_environment():
        config = import_sdk().Config()
    before = dict(vars(config))
    config._load_from_url(url)
    return {key: value for key, value in vars(config).items() if key not in before}


@pytest.mark.parametrize(
    "url",
    [
        "cloudinary://key:secret@cloud",
        "cloudinary://cloud",
        "cloudinary://key:se:cr@et@cloud",
        "cloudinary://key:%41b+c@cloud",
        "CLOUDINARY://key:secret@cloud:443",
        "cloudinary://key:secret@cloud/",
        "cloudinary://key:secret@cloud/dist.example.com/x",
        "cloudinary://key:secret@cloud?upload_prefix=http%3A%2F%2Fh%3A1&a=b+c&a=second&blank=&é=ü",
        "cloudinary://key:secret@cloud?auth_token[key]=K&auth_token[duration]=300&auth_token[key]=L",
        "cloudinary://key:secret@cloud?cloud_name=other&api_key=q",
        "cloudinary://cloud?oauth_token=eyJ.a.b&refresh_token=&issued_at=1&expires_at=2&region=api",
        "cloudinary://key@cloud",
    ],
)
def test_fields_are_those_of_the_sdk(url: str) -> None:
    assert config_url.parse(url).fields() == sdk_fields(url)


def test_the_case_of_the_cloud_name_is_kept() -> None:
    assert config_url.parse("cloudinary://k:s@MixedCase").cloud_name == "MixedCase"
    assert config_url.cloud_name_from_url("cloudinary://MixedCase?oauth_token=x") == "MixedCase"


@pytest.mark.parametrize(
    "url",
    [
        None,
        1,
        {"a": 1},
        "",
        "garbage",
        "http://k:s@c",
        "cloudinary://",
        "cloudinary:///x",
        "cloudinary://k:s@",
        "cloudinary://[::1",
        "cloudinary://key:SECRET/tail@cloud",
        "cloudinary://key:SECRET#tail@cloud",
        "cloudinary://key:SECRET?tail@cloud",
        "cloudinary://123:456/tail@cloud",
    ],
)
def test_an_unusable_url_is_refused_without_being_repeated(url: Any) -> None:
    with pytest.raises(InvalidConfigUrl) as caught:
        config_url.parse(url)
    assert isinstance(caught.value, ValueError)
    assert "SECRET" not in str(caught.value) and "tail" not in str(caught.value)
    assert config_url.try_parse(url) is None
    assert config_url.cloud_name_from_url(url) == ""
    assert config_url.is_oauth_url(url) is False


def test_a_blank_oauth_token_still_makes_an_oauth_entry() -> None:
    assert config_url.is_oauth_url("cloudinary://c?oauth_token=")
    assert not config_url.is_oauth_url("cloudinary://c?refresh_token=oauth_token")
    assert not config_url.is_oauth_url(["oauth_token"])


def test_replace_query_leaves_every_other_byte() -> None:
    url = "cloudinary://c?x=%FF%2f&a=1&&flag&b=+%20&a=2&c=#frag?ment"
    assert config_url.replace_query(url, {}) == url.replace("&&", "&")
    assert config_url.replace_query(url, {"a": "n&w", "new": ""}) == (
        "cloudinary://c?x=%FF%2f&a=n%26w&flag&b=+%20&c=&new=#frag?ment"
    )
    assert (
        config_url.replace_query(url, {"a": None, "absent": None}) == "cloudinary://c?x=%FF%2f&flag&b=+%20&c=#frag?ment"
    )
    assert config_url.replace_query("cloudinary://c", {"a": None}) == "cloudinary://c"


def test_build_merges_parameters_into_the_query() -> None:
    build = config_url.build_config_url
    assert build("c") == "cloudinary://c"
    assert build("c?a=1&b=2", {"a": "x y", "n": 3}) == "cloudinary://c?a=x+y&b=2&n=3"
    assert build("c", None, "key", "sec%ret") == "cloudinary://key:sec%ret@c"
    for bad in ("", "?a=1"):
        with pytest.raises(ValueError):
            build(bad)


def test_environment_fields() -> None:
    read = environment_fields
    assert read({}) == {} == read({"CLOUDINARY_URL": ""})
    assert read({"CLOUDINARY_URL": "cloudinary://k:s@c"})["cloud_name"] == "c"
    with_cloud = {
        "CLOUDINARY_CLOUD_NAME": "n",
        "CLOUDINARY_URL": "nonsense",
        "CLOUDINARY_SECURE": "false",
        "OTHER": "x",
    }
    assert read(with_cloud) == {"cloud_name": "n", "secure": False}
    with pytest.raises(InvalidConfigUrl):
        read({"CLOUDINARY_URL": "http://x"})
    assert environment_is_configured(with_cloud)
    assert not environment_is_configured({"CLOUDINARY_URL": "http://x", "CLOUDINARY_API_KEY": "k"})


def test_account_url() -> None:
    account = config_url.parse_account_url("account://k:s@id")
    assert (account.account_id, account.provisioning_api_key, account.provisioning_api_secret) == ("id", "k", "s")
    for bad in ("cloudinary://k:s@id", "account://", None):
        with pytest.raises(InvalidConfigUrl):
            config_url.parse_account_url(bad)


def test_no_secret_in_a_repr() -> None:
    parsed = config_url.parse("cloudinary://k:TOPSECRET@c?oauth_token=TOPSECRET")
    assert "TOPSECRET" not in repr(parsed)
    assert "TOPSECRET" not in repr(config_url.parse_account_url("account://k:TOPSECRET@id"))


@pytest.mark.parametrize(
    "name",
    [
        "CONFIG_NAME", "NO_BROWSER", "HOME", "REGION", "OAUTH_CLIENT_ID", "OAUTH_SCOPES", "OAUTH_BASE_URL",
        "OAUTH_REDIRECT_HOST", "OAUTH_REDIRECT_PORT", "CLI_EXIT_CODES", "CLI_LOG_ONLY", "CLI_KEYRING_TIMEOUT",
    ],
)  # fmt: skip
def test_the_programs_own_variables_are_no_fields(name: str) -> None:
    environ = {"CLOUDINARY_CLOUD_NAME": "n", f"CLOUDINARY_{name}": "x", "CLOUDINARY_UPLOAD_PREFIX": "https://p"}
    assert environment_fields(environ) == {"cloud_name": "n", "upload_prefix": "https://p"}


def test_a_url_that_ends_after_the_secret_is_said_to_have_no_cloud() -> None:
    with pytest.raises(InvalidConfigUrl, match="no @ and no cloud name after the secret") as caught:
        config_url.parse("cloudinary://key:TOPSECRET")
    assert "TOPSECRET" not in str(caught.value)
