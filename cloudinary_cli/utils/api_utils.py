"""Old import path of calls of the API."""

from cloudinary_cli.sdk.call import call_api, get_cloudinary_config, ping_cloudinary, verify_cloudinary_url

__all__ = ["call_api", "get_cloudinary_config", "ping_cloudinary", "verify_cloudinary_url"]
