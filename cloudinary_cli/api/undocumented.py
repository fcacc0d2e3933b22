"""The options that SDK methods accept without documenting them, and the types that their docstrings leave out.

Source: the SDK's modules api.py, uploader.py, utils.py, api_client/ and provisioning/, version 1.46.3.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Mapping

# The parameters that generate_transformation_string() in cloudinary/utils.py reads; it ignores every other name.
TRANSFORMATION = frozenset(
    """angle aspect_ratio audio_codec audio_frequency background bit_rate border color color_space crop custom_function
    custom_pre_function default_image delay density dpr duration effect end_offset fetch_format flags fps gravity height
    if keyframe_interval offset opacity overlay page prefix quality radius raw_transformation responsive_width size
    start_offset streaming_profile transformation underlay variables video_codec video_sampling width x y
    zoom""".split()
)

_LISTS_OF_ARCHIVES = dict.fromkeys(
    ["public_ids", "fully_qualified_public_ids", "prefixes", "tags", "target_tags", "transformations"], "list[str]"
)
# Method -> option or parameter -> the type that its docstring leaves out.
TYPES: Mapping[str, Mapping[str, str]] = {
    "create_archive": _LISTS_OF_ARCHIVES,
    "create_zip": _LISTS_OF_ARCHIVES,
    "download_archive_url": _LISTS_OF_ARCHIVES,
    "download_zip_url": _LISTS_OF_ARCHIVES,
    "download_folder": _LISTS_OF_ARCHIVES,
    "cloudinary_url": {"source": "str"},
    "private_download_url": {"public_id": "str", "format": "str"},
    "api_sign_request": {"api_secret": "str"},
    "generate_auth_token": {
        "acl": "str or list",
        **dict.fromkeys(["ip", "key", "token_name", "url"], "str"),
        **dict.fromkeys(["duration", "expiration", "start_time"], "int"),
    },
    "verify_api_response_signature": dict.fromkeys(["public_id", "version", "signature"], "str"),
    "verify_notification_signature": dict.fromkeys(["body", "timestamp", "signature"], "str"),
}

_CLOUD = frozenset(["api_key", "api_secret", "cloud_name", "upload_prefix"])
_SIGNED = _CLOUD | {"non_signable", "resource_type", "signature_algorithm", "signature_version"}
_ADMIN = _CLOUD | {"api_version", "extra_headers", "oauth_token", "timeout"}
# What every method of a module takes.
_BY_MODULE: Mapping[str, FrozenSet[str]] = {
    "cloudinary.api": _ADMIN,
    "cloudinary.api_client.call_api": _ADMIN,
    "cloudinary.uploader": _SIGNED
    | {"extra_headers", "filename", "http_headers", "oauth_token", "return_error", "timeout", "unsigned"},
    "cloudinary.provisioning.account": frozenset(
        ["account_id", "api_version", "provisioning_api_key", "provisioning_api_secret", "timeout", "upload_prefix"]
    ),
    "cloudinary.utils": _SIGNED,
}

_ARCHIVE = frozenset(
    """allow_missing async batch_id expires_at flatten_folders flatten_transformations keep_derived mode
    notification_url phash skip_transformation_name target_asset_folder target_format target_public_id timestamp type
    use_original_filename""".split()
)
_LISTING = frozenset(["context", "fields", "metadata", "moderations", "tags"])
_METADATA_FIELD = frozenset(
    """allow_dynamic_list_values datasource default_disabled default_value external_id label mandatory restrictions
    type validation""".split()
)
_METADATA_RULE = frozenset(["condition", "external_id", "metadata_field_id", "name", "result", "state"])
_PAGES = frozenset(["max_results", "next_cursor"])
_SPRITE = TRANSFORMATION | {"async", "batch_id", "format", "mode", "notification_url", "public_id"}
_TAG = frozenset(["batch_id", "notification_url", "type"])
_UPLOAD = TRANSFORMATION | {"auto_chaptering", "auto_transcription"}


def _by_method() -> Dict[str, FrozenSet[str]]:
    deletion = frozenset(["batch_id", "notification_url"])
    groups = {
        ("create_archive", "create_zip", "download_archive_url", "download_folder", "download_zip_url"): _ARCHIVE,
        ("add_metadata_field", "update_metadata_field"): _METADATA_FIELD,
        ("add_metadata_rule", "update_metadata_rule"): _METADATA_RULE,
        ("add_context", "add_tag", "remove_all_context", "remove_all_tags", "remove_tag", "replace_tag"): _TAG,
        ("create_upload_preset", "explicit", "update_upload_preset"): _UPLOAD,
        # The SDK ignores the size of the chunks, except in `upload_large`. See api/chunked_upload.py.
        ("unsigned_upload", "upload", "upload_large"): _UPLOAD | {"chunk_size"},
        ("download_generated_sprite", "download_multi", "generate_sprite", "multi"): _SPRITE,
        ("delete_transformation", "update_transformation"): _PAGES,
        (
            *("resources", "resources_by_asset_folder", "resources_by_asset_ids", "resources_by_context"),
            *("resources_by_ids", "resources_by_moderation", "resources_by_tag"),
        ): _LISTING,
        (
            *("delete_all_resources", "delete_resources", "delete_resources_by_asset_ids"),
            *("delete_resources_by_prefix", "delete_resources_by_tag"),
        ): deletion,
        ("analyze",): frozenset(["parameters"]),
        ("cloudinary_url",): TRANSFORMATION
        | frozenset(
            """auth_token cdn_subdomain cname force_version format long_url_signature private_cdn secure
            secure_cdn_subdomain secure_distribution shorten sign_url type url_suffix use_fetch_format use_root_path
            version""".split()
        ),
        ("delete_derived_by_transformation",): _PAGES | {"named"},
        ("download_backedup_asset",): frozenset(["timestamp"]),
        ("explode",): TRANSFORMATION | {"format", "notification_url", "type"},
        ("private_download_url",): frozenset(["attachment", "expires_at", "type"]),
        ("text",): frozenset(
            """background font_color font_family font_size font_style font_weight opacity public_id text_align
            text_decoration""".split()
        ),
        ("update",): frozenset(["batch_id"]),
        ("update_metadata_field_datasource",): frozenset(["external_id", "value"]),
    }
    return {name: options for names, options in groups.items() for name in names}


_BY_METHOD: Mapping[str, FrozenSet[str]] = _by_method()


def undocumented_options(name: str, module: str) -> FrozenSet[str]:
    """The names that the method `name` of the SDK module `module` takes beside its documented ones."""
    return _BY_MODULE.get(module, frozenset()) | _BY_METHOD.get(name, frozenset())
