"""Builds, parses and validates cloudinary:// and account:// URLs. No I/O, no SDK.

The rules are those of the SDK's Config: the host is the cloud name, user and password are key and secret (not decoded),
a path means a private CDN, the first query value that is not blank counts, and `a[b]` is a nested value. There are two
differences: the case of the cloud name is kept, and a key that decides where credentials are sent may occur only once.
"""

# No `from __future__ import annotations` here: NamedTuple would compile each annotation, 0.7 ms per class in every run.

import re
from typing import AbstractSet, Any, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import unquote_plus, urlencode, urlsplit

from cloudinary_cli.defaults import OAUTH_INTERNAL_KEYS
from cloudinary_cli.errors import AmbiguousConfigUrl, ImpossibleCloud, InvalidConfigUrl

CONFIG_NAME_VARIABLE = "CLOUDINARY_CONFIG_NAME"
URL_SHAPE = "cloudinary://<api_key>:<api_secret>@<cloud_name>"
_URL_PARTS = ("cloud_name", "api_key", "api_secret")
# Credentials, the hosts that they are sent to, and the settings that are authenticated by the encryption of a login. If
# one had two values, two programs could use different ones, and send the token to different hosts.
_SINGLE_KEYS = frozenset(
    [*_URL_PARTS, "oauth_token", "upload_prefix", "api_proxy", "account_url", *OAUTH_INTERNAL_KEYS]
)
_NESTED = r"(\w+)\[(\w+)\]\Z"
# A URL before its query that urlsplit neither changes nor refuses: lower-case letters, then ASCII without brackets.
_PLAIN = r"([a-z]+)://([!\"$-.0->@-Z\\^-~]*)(/[^#\t\r\n]*)?\Z"
_CLOUD_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*\Z"


class ConfigUrl(NamedTuple):
    """The parts of one configuration URL. `raw_query` is decoded on demand, which saves time in long lists."""

    cloud_name: str
    api_key: Optional[str] = None
    api_secret: Optional[str] = None
    secure_distribution: Optional[str] = None
    raw_query: str = ""

    def __repr__(self) -> str:
        return f"ConfigUrl(cloud_name={self.cloud_name!r}, api_key={self.api_key!r})"  # no secret in a traceback

    @property
    def query(self) -> Tuple[Tuple[str, str], ...]:
        """The decoded pairs (RFC 1866 form encoding), with order, repeats and blank values."""
        pairs = (part.partition("=") for part in self.raw_query.split("&") if part)
        return tuple((_decoded(key), _decoded(value)) for key, _, value in pairs)

    def keys(self) -> List[str]:
        """The decoded keys of the query."""
        return [_decoded(part.partition("=")[0]) for part in self.raw_query.split("&") if part]

    def get(self, key: str) -> str:
        """The first value of a query key that is not blank, as the SDK reads it; empty if there is none."""
        pairs = (part.partition("=") for part in self.raw_query.split("&"))
        return next((_decoded(value) for name, _, value in pairs if value and _decoded(name) == key), "")

    def has(self, key: str) -> bool:
        return key in self.keys()

    def fields(self) -> Dict[str, Any]:
        """The attributes an SDK config gets from this URL, in its order."""
        result: Dict[str, Any] = {
            "cloud_name": self.cloud_name,
            "api_key": self.api_key,
            "api_secret": self.api_secret,
            "private_cdn": self.secure_distribution is not None,
        }
        if self.secure_distribution is not None:
            result["secure_distribution"] = self.secure_distribution
        result.update(query_fields(self.query))
        return result


def _decoded(text: str) -> str:
    # Most keys and values need no decoding, and unquote_plus takes twenty times as long as this test.
    return unquote_plus(text) if "%" in text or "+" in text else text


def query_fields(query: Tuple[Tuple[str, str], ...]) -> Dict[str, Any]:
    """Query pairs as attributes: the first value counts, blank ones are skipped, `a[b]` becomes a nested dictionary."""
    result: Dict[str, Any] = {}
    for key, value in query:
        nested = re.match(_NESTED, key)
        if not value:
            continue
        if not nested:
            result.setdefault(key, value)
            continue
        outer = result.setdefault(nested.group(1), {})
        if isinstance(outer, dict):
            outer.setdefault(nested.group(2), value)
    return result


def _split(url: Any, scheme: str, shape: str) -> Tuple[str, Optional[str], Optional[str], str, str]:
    if not isinstance(url, str):
        raise InvalidConfigUrl(f"Not a configuration URL. Expected {shape}.")
    found, authority, path, query = _parts(url, shape)
    if found != scheme:
        raise InvalidConfigUrl(f"Invalid URL scheme. Expected {shape}.")
    user_info, _, host = authority.rpartition("@")
    if ":" in host:
        host = re.sub(r":\d*\Z", "", host)
    # A slash, ? or # in a secret ends the authority early. Part of the secret would become the cloud name or the path.
    if ":" in host and "@" not in url:
        raise InvalidConfigUrl(f"The URL has no @ and no cloud name after the secret. Expected {shape}.")
    if ":" in host or "@" in path:
        raise InvalidConfigUrl(f"The URL is ambiguous: / ? # cannot stand before the @. Expected {shape}.")
    if not host:
        raise InvalidConfigUrl(
            f"The URL names no {'cloud' if scheme == 'cloudinary' else 'account'}. Expected {shape}."
        )
    key, colon, secret = user_info.partition(":")
    return host, key or None, (secret if colon else None) or None, path, query


def _parts(url: str, shape: str) -> Tuple[str, str, str, str]:
    """Scheme (lower case), authority, path and query."""
    # The regular expression takes a third of urlsplit's time, which matters in a list of thousands.
    head, _, query = url.partition("?")
    plain = re.match(_PLAIN, head)
    if plain and not ("#" in query or "\n" in query or "\r" in query or "\t" in query):
        scheme, authority, path = plain.groups("")
        return scheme, authority, path, query
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidConfigUrl(f"Not a valid URL. Expected {shape}.") from None
    return parts.scheme.lower(), parts.netloc, parts.path, parts.query


def parse(url: Any, single_keys: AbstractSet[str] = _SINGLE_KEYS) -> ConfigUrl:
    """Parse a cloudinary:// URL.

    :param single_keys: the settings that may occur only once.
    :raises InvalidConfigUrl: wrong type, scheme, no host, or two values of one setting. The text never repeats the URL.
    """
    return parse_with_values(url, single_keys)[0]


def parse_with_values(url: Any, single_keys: AbstractSet[str] = _SINGLE_KEYS) -> Tuple[ConfigUrl, Dict[str, str]]:
    """As parse(), with the raw value of each key of the query, the first that is not blank. For long lists."""
    host, key, secret, path, query = _split(url, "cloudinary", URL_SHAPE)
    parsed = ConfigUrl(host, key, secret, path[1:] if path else None, query)
    if not query:
        return parsed, {}
    pairs = [part.partition("=") for part in query.split("&") if part]
    names = "".join([pair[0] for pair in pairs])
    if "%" in names or "+" in names:
        pairs = [(unquote_plus(name), "=", value) for name, _, value in pairs]
    values = {name: value for name, _, value in pairs}
    if len(values) < len(pairs) or "[" in names or "%" in names:
        _check_single([pair[0] for pair in pairs], single_keys)
        for name, _, value in reversed(pairs):
            values[name] = value or values[name]
    if values.keys().isdisjoint(_URL_PARTS):
        return parsed, values
    # The SDK lets the query replace the parts before it (BaseConfig._setup_from_parsed_url).
    replaced = {part: parsed.get(part) for part in _URL_PARTS if part in values}
    return parsed._replace(**{part: value for part, value in replaced.items() if value}), values


def _check_single(keys: List[str], single_keys: AbstractSet[str]) -> None:
    seen = set()
    for key in keys:
        name, bracket, _ = key.partition("[")
        if name not in single_keys:
            continue
        if name in seen:
            raise AmbiguousConfigUrl(f"The URL has '{name}' more than once. Keep the one that you trust.")
        if bracket:
            raise AmbiguousConfigUrl(f"The URL has '{name}' with brackets, which this setting cannot have.")
        seen.add(name)


def try_parse(url: Any) -> Optional[ConfigUrl]:
    """Like parse(), but None instead of an error, so that one bad entry does not hide the others."""
    try:
        return parse(url)
    except InvalidConfigUrl:
        return None


def parse_given(url: Any) -> ConfigUrl:
    """Parse a new cloudinary:// URL (from the user, a script or a server), and check its cloud name.

    Saved entries are parsed without this check, so that entries of other tools can be shown and removed.

    :raises InvalidConfigUrl: as parse(); also for an invalid cloud name, and for a slash after it with nothing else.
    """
    parsed = parse(url)
    # urlsplit removes line breaks and surrounding spaces; a URL with them was probably copied incompletely.
    if re.search("[\x00-\x20]", url):
        raise ImpossibleCloud("The URL has a blank or a line break in it. Percent-encode it, or remove it.")
    validate_cloud_name(parsed.cloud_name)
    if parsed.secure_distribution == "":
        raise ImpossibleCloud("The URL has a slash after the cloud name, and nothing behind it. Remove the slash.")
    return parsed


def validate_config_url(url: Any) -> str:
    """Return the URL if it is usable.

    :raises InvalidConfigUrl: (a ValueError) otherwise.
    """
    parse_given(url)
    return str(url)


def validate_cloud_name(name: Any) -> str:
    """Return the name if it can be the host of a URL.

    :raises InvalidConfigUrl: other characters would become a part of the user, path or query of the saved URL.
    """
    if not isinstance(name, str) or not re.match(_CLOUD_NAME, name):
        raise ImpossibleCloud(
            "A cloud name begins with a letter or digit and has only letters, digits, dashes and underscores; "
            "this one does not."
        )
    return name


def build_config_url(
    cloud: str,
    params: Optional[Mapping[str, Any]] = None,
    api_key: Optional[str] = None,
    api_secret: Optional[str] = None,
) -> str:
    """A cloudinary:// URL from its parts. Key and secret are not encoded; `params` replace keys of an existing query.

    :raises InvalidConfigUrl: (a ValueError) when the result would not be a usable URL.
    """
    user_info = f"{api_key}:{api_secret}@" if api_key and api_secret else ""
    changes = {key: str(value) for key, value in (params or {}).items()}
    return validate_config_url(replace_query(f"cloudinary://{user_info}{cloud}", changes))


def replace_query(url: str, changes: Mapping[str, Optional[str]]) -> str:
    """The URL with some query keys replaced in place, removed (None) or appended; the rest is not changed."""
    rest, hash_sign, fragment = url.partition("#")
    base, _, query = rest.partition("?")
    pending: Dict[str, Optional[str]] = dict(changes)
    parts: List[str] = []
    for part in filter(None, query.split("&")):
        # urlsplit removes tabs and line breaks when the URL is read.
        key = unquote_plus(re.sub("[\t\r\n]", "", part.partition("=")[0]))
        if key not in changes:
            parts.append(part)
        elif pending.get(key) is not None:
            parts.append(urlencode({key: pending.pop(key)}))
    parts += [urlencode({key: value}) for key, value in pending.items() if value is not None]
    return base + (f"?{'&'.join(parts)}" if parts else "") + hash_sign + fragment


def cloud_name_from_url(url: Any) -> str:
    """The cloud name of a saved entry; empty if the entry cannot be parsed."""
    parsed = try_parse(url)
    return parsed.cloud_name if parsed else ""


def is_oauth_url(url: Any) -> bool:
    """True when the query contains the key oauth_token, even with a blank value."""
    parsed = try_parse(url)
    return parsed is not None and parsed.has("oauth_token")


def is_login(url: Any) -> bool:
    """As is_oauth_url(), also for the URL of a login that parse() refuses because it repeats a setting."""
    try:
        return parse(url).has("oauth_token")
    except AmbiguousConfigUrl:
        keys = parse(url, frozenset()).keys()
        return any(key.partition("[")[0] in ("oauth_token", "refresh_token") for key in keys)
    except InvalidConfigUrl:
        return False


class AccountUrl(NamedTuple):
    """The parts of a CLOUDINARY_ACCOUNT_URL."""

    account_id: str
    provisioning_api_key: Optional[str]
    provisioning_api_secret: Optional[str] = None

    def __repr__(self) -> str:
        return f"AccountUrl(account_id={self.account_id!r})"


def parse_account_url(url: Any) -> AccountUrl:
    """Parse account://key:secret@account_id.

    :raises InvalidConfigUrl: wrong scheme or no account id.
    """
    host, key, secret, _, _ = _split(url, "account", "account://<api_key>:<api_secret>@<account_id>")
    return AccountUrl(host, key, secret)
