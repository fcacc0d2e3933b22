"""Old import path of the functions that import the SDK despite an invalid CLOUDINARY_URL."""

from cloudinary_cli.config.environment import env_config_error
from cloudinary_cli.system.sdk_import import hidden_environment, import_sdk

__all__ = ["env_config_error", "hidden_environment", "import_sdk"]
