"""The global state of the SDK, which a command sets once but the tests of one process share."""

from __future__ import annotations

import sys
from typing import Any

CONNECTORS = ("cloudinary.uploader", "cloudinary.api_client.call_api", "cloudinary.api_client.call_account_api")


def reset_sdk() -> None:
    """Undo what the CLI installs in the SDK: the configuration, the account, and the connectors with their timeout."""
    package: Any = sys.modules.get("cloudinary")
    if package is None:
        return
    from cloudinary_cli.system.sdk_import import hidden_environment

    with hidden_environment():
        package.reset_config()
        account: Any = sys.modules.get("cloudinary.provisioning")
        if account is not None:
            account.reset_config()
    for module in (sys.modules.get(name) for name in CONNECTORS):
        if module is not None:
            vars(module)["_http"] = package.utils.get_http_connector(package.config(), package.CERT_KWARGS)
