"""Old import path of the guarded import of the SDK."""

from cloudinary_cli.config.environment import env_config_error
from cloudinary_cli.system.sdk_import import hidden_environment, import_sdk

__all__ = ["env_config_error", "hidden_environment", "import_sdk"]
