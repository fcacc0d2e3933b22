"""Builds delivery URLs: converts a request and a configuration to options of the SDK's URL builder."""

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
# The server delivers these types only with a signed URL.
_SIGNED_TYPES = frozenset(["authenticated", "url2png"])

# Every configuration value of the SDK's URL builder. All are passed, so that it reads no global configuration.
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
    """One delivery URL. `transformation` is used unchanged."""

    public_id: str
    transformation: str = ""
    resource_type: str = "image"
    type: str = "upload"
    sign: bool = False

    @property
    def signed(self) -> bool:
        return self.sign or self.type in _SIGNED_TYPES


def as_boolean(value: Any) -> Optional[bool]:
    """A configuration value as a boolean; None if unset. Values from a URL are text, so the text "false" is False."""
    if isinstance(value, str):
        return value.strip().lower() not in ("0", "false", "no", "off") if value else None
    return None if value is None else bool(value)


def delivery_options(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """The SDK's URL options of a configuration. The default is https."""
    options: Dict[str, Any] = {key: fields.get(key) for key in _TEXT_FIELDS}
    options.update((key, as_boolean(fields.get(key))) for key in _BOOLEAN_FIELDS)
    if options["secure"] is None:
        options["secure"] = True
    options["signature_algorithm"] = options["signature_algorithm"] or "sha1"
    return options


def url_arguments(request: UrlRequest, fields: Mapping[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Source and options for the SDK's `cloudinary_url`.

    :raises ConfigError: the URL needs a signature, and the configuration has no API secret.
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

    :param version: of the asset. Without it the URL delivers the current version.
    :raises ConfigError: the URL needs a signature, and the configuration has no API secret.
    """
    source, options = url_arguments(request, fields)
    if version is not None:
        options["version"] = version
    return str(import_sdk("cloudinary.utils").cloudinary_url(source, **options)[0])


class DeliveryUrls:
    """Builds the delivery URLs of many assets. The result is that of delivery_url(), in a third of the time.

    The start of a URL depends only on the type of the asset, so the SDK builds it once for each type.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        options = delivery_options(fields)
        # With `cdn_subdomain` the host depends on the public ID, and a signature depends on everything.
        self._are_alike = not any(options[name] for name in ("cdn_subdomain", "secure_cdn_subdomain", "sign_url"))
        self._starts: Dict[str, str] = {}

    def url(self, request: UrlRequest, version: Optional[int] = None) -> str:
        """The delivery URL of an asset.

        :raises ConfigError: the URL needs a signature, and the configuration has no API secret.
        """
        is_plain = request.type == "upload" and not request.signed and not request.transformation
        if not (self._are_alike and is_plain and version) or request.public_id.startswith(("http:", "https:")):
            return delivery_url(request, self.fields, version)
        if request.resource_type not in self._starts:
            sample = delivery_url(UrlRequest("x", resource_type=request.resource_type), self.fields, 1)
            self._starts[request.resource_type] = sample[: -len("1/x")]
        source, _ = import_sdk("cloudinary.utils").finalize_source(request.public_id, None, None)
        return f"{self._starts[request.resource_type]}{version}/{source}"


def secret_needed(what: str, is_login: bool) -> str:
    """The error text for `what` with a configuration that has no API secret."""
    reason = "a login (`cld login`) has none" if is_login else "the active configuration has none"
    return f"{what} needs an API secret, and {reason}. Choose a configuration with an API key: cld -C <name> ..."
