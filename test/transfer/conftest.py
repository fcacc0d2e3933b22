"""Fixtures of the transfer engine: a session whose active configuration is a scripted server or a sandbox."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional

import pytest

from cloudinary_cli.auth.oauth_config import OAuthConfig
from cloudinary_cli.net.chunks import CHUNK_SIZE
from cloudinary_cli.net.retry import TRANSFER_BUDGET
from cloudinary_cli.sdk import activation, loader
from cloudinary_cli.transfer.engine.session import TransferSession
from cloudinary_cli.transfer.engine.stop import Stop
from cloudinary_cli.transfer.http.upload import UploadTarget


@pytest.fixture
def target() -> Iterator[Callable[..., UploadTarget]]:
    """Make an UploadTarget of a CLOUDINARY_URL, or of a config."""

    def make(
        config: Any,
        workers: int = 4,
        chunk_workers: int = 1,
        chunk_size: int = CHUNK_SIZE,
        bandwidth: Optional[int] = None,
    ) -> UploadTarget:
        config = OAuthConfig.from_url(config) if isinstance(config, str) else config
        loader.load()
        stop = Stop()
        connector = activation.install_transport(
            None, config.timeout, pool_size=workers, budget=TRANSFER_BUDGET, stop=stop.requested
        )
        session = TransferSession(connector, workers, chunk_workers, bandwidth, stop, chunk_size)
        return UploadTarget(session, config)

    yield make
    activation.install_transport()  # otherwise later tests in this process would use the retry budget and stop of this one
