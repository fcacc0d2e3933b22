"""Delivery URLs: what a request and a configuration mean for the SDK's URL builder."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from cloudinary_cli.errors import ConfigError
from cloudinary_cli.system.sdk_import import import_sdk

RESOURCE_TYPES = ("image", "video", "raw")
DELIVERY_TYPES = (
    "upload",
    "private",
    "public",
    "authenticated",
    "fetch",
    "list",
    "url2png",
    "sprite",
    "text",
    "multi",
    "facebook",
    "twitter",
    "twitter_name",
    "gravatar",
    "youtube",
    "hulu",
    "vimeo",
    "animoto",
    "worldstarhiphop",
    "dailymotion",
)
# The server delivers these only under a signed URL.
_SIGNED_TYPES = frozenset(["authenticated", "url2png"])

# Every configuration value that the SDK's URL builder reads. All are handed over, so that it reads no global.
_TEXT_FIELDS = ("cloud_name", "api_secret", "cname", "secure_distribution", "auth_token", "signature_algorithm")
_BOOLEAN_FIELDS = (
    "secure",
    "private_cdn",
    "cdn_subdomain",
    "secure_cdn_subdomain",
    "sign_url",
    "shorten",
    "use_root_path",
    "force_version",
    "long_url_signature",
)


class UrlRequest(NamedTuple):
    """One delivery URL. `transformation` is put in as it is."""

    public_id: str
    transformation: str = ""
    resource_type: str = "image"
    type: str = "upload"
    sign: bool = False

    @property
    def signed(self) -> bool:
        return self.sign or self.type in _SIGNED_TYPES


def as_boolean(value: Any) -> Optional[bool]:
    """A configuration value as a boolean; None when unset. In a URL every value is text, and "false" means false."""
    if isinstance(value, str):
        return value.strip().lower() not in ("0", "false", "no", "off") if value else None
    return None if value is None else bool(value)


def delivery_options(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """The SDK's URL options that a configuration stands for; https unless it says otherwise."""
    options: Dict[str, Any] = {key: fields.get(key) for key in _TEXT_FIELDS}
    options.update((key, as_boolean(fields.get(key))) for key in _BOOLEAN_FIELDS)
    if options["secure"] is None:
        options["secure"] = True
    options["signature_algorithm"] = options["signature_algorithm"] or "sha1"
    return options


def url_arguments(request: UrlRequest, fields: Mapping[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Source and options for the SDK's `cloudinary_url`.

    :raises ConfigError: a signed URL is wanted, and the configuration has no API secret.
    """
    options = delivery_options(fields)
    options.update(resource_type=request.resource_type, type=request.type, raw_transformation=request.transformation)
    if request.signed:
        options["sign_url"] = True
    if options["sign_url"] and not options["api_secret"] and not options["auth_token"]:
        raise ConfigError(secret_needed("A signed URL", bool(fields.get("oauth_token"))))
    source = f"{request.public_id}.json" if request.type == "list" else request.public_id
    return source, options


def delivery_url(request: UrlRequest, fields: Mapping[str, Any], version: Optional[int] = None) -> str:
    """The delivery URL of an asset, built by the SDK's `cloudinary_url`.

    :param version: of the asset; without it the URL is of whatever version is delivered.
    :raises ConfigError: a signed URL is wanted, and the configuration has no API secret.
    """
    source, options = url_arguments(request, fields)
    if version is not None:
        options["version"] = version
    return str(import_sdk("cloudinary.utils").cloudinary_url(source, **options)[0])


def secret_needed(what: str, is_login: bool) -> str:
    """Why `what` is impossible with a configuration that has no API secret, and what to type instead."""
    reason = "a login (`cld login`) has none" if is_login else "the active configuration has none"
    return f"{what} needs an API secret, and {reason}. Choose a configuration with an API key: cld -C <name> ..."
