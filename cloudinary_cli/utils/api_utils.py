"""Old import path of API calls."""

from cloudinary_cli.sdk.call import call_api, ping_cloudinary
from cloudinary_cli.utils.config_resolver import get_cloudinary_config
from cloudinary_cli.utils.config_utils import verify_cloudinary_url

__all__ = ["call_api", "get_cloudinary_config", "ping_cloudinary", "verify_cloudinary_url"]
