"""What the requests of one run share: the connector, the request to stop, and the items in progress."""

from __future__ import annotations

from typing import Any, Optional

from cloudinary_cli.context import AppContext
from cloudinary_cli.net.retry import TRANSFER_BUDGET
from cloudinary_cli.progress import Progress
from cloudinary_cli.sdk import activation
from cloudinary_cli.transfer.engine.stop import Stop


class TransferSession:
    """One connector for everything that a command sends, with at most `workers` connections to a host."""

    def __init__(self, connector: Any, workers: int, stop: Optional[Stop] = None) -> None:
        self.connector = connector
        self.workers = workers
        self.stop = stop or Stop()
        self.progress = Progress()


def open_session(app: AppContext, workers: int) -> TransferSession:
    """Install the active configuration in the SDK, with a connector for `workers` threads.

    :raises ConfigError: no usable configuration is selected.
    """
    config = app.sdk_config
    stop = Stop()
    connector = activation.install_transport(
        config.api_proxy, config.timeout, pool_size=workers, budget=TRANSFER_BUDGET, stop=stop.requested
    )
    return TransferSession(connector, workers, stop)
