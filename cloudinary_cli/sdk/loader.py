"""Loads the SDK and its modules, and lists their API methods."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict

from cloudinary_cli.system.sdk_import import import_sdk

_API_MODULES = {
    "admin": "cloudinary.api",
    "uploader": "cloudinary.uploader",
    "provisioning": "cloudinary.provisioning.account",
    "utils": "cloudinary.utils",
}

# The utility module consists mostly of internals. These functions are useful to users.
_UTILS_METHODS = (
    "api_sign_request",
    "cloudinary_url",
    "download_archive_url",
    "download_backedup_asset",
    "download_folder",
    "download_zip_url",
    "private_download_url",
    "verify_api_response_signature",
    "verify_notification_signature",
)

# Internal functions in the modules of API methods, which must not be run by accident.
_INTERNAL = frozenset(
    """call_api call_json_api call_metadata_api call_cacheable_api call_tags_api call_context_api only
    transformation_string account_config reset_config upload_large_part upload_image upload_resource build_eager
    is_appengine_sandbox""".split()
)


def load() -> Any:
    """The `cloudinary` package, imported without the configuration of the environment."""
    return import_sdk()


def module(api: str) -> Any:
    """The SDK module of "admin", "uploader", "provisioning" or "utils"."""
    return import_sdk(_API_MODULES[api])


def is_valid_cloudinary_config() -> bool:
    """True when the SDK's active configuration has the members of a usable one; no network."""
    config = load().config()
    return bool(config.cloud_name and (config.has_oauth or (config.api_key and config.api_secret)))


def api_methods(api: str) -> Dict[str, Callable[..., Any]]:
    """The methods that a user may call, by name, in alphabetical order."""
    members = vars(module(api))
    if api == "utils":
        return {name: members[name] for name in _UTILS_METHODS}
    return {
        name: member
        for name, member in sorted(members.items())
        if name[0].islower() and name not in _INTERNAL and inspect.isfunction(member) and _is_own(member)
    }


def _is_own(function: Callable[..., Any]) -> bool:
    # Methods are defined in the SDK's API modules. Helpers are imported from cloudinary.utils or other packages.
    return (
        function.__module__ in _API_MODULES.values()
        and function.__module__ != _API_MODULES["utils"]
        or (function.__module__.startswith("cloudinary.api_client.") and function.__name__.endswith("_rules_api"))
    )
