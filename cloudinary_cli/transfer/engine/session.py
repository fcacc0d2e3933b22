"""What the requests of one run share: the connector, the request to stop, and the items in progress."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, Optional

from cloudinary_cli.net.bandwidth import Bandwidth
from cloudinary_cli.net.chunks import CHUNK_SIZE, DEFAULT_CHUNK_WORKERS, ChunkWorkers
from cloudinary_cli.progress import Progress
from cloudinary_cli.transfer.engine.stop import Stop


class TransferSession:
    """One connector for everything that a command sends. All of its threads share these limits.

    :param workers: the largest number of simultaneous requests, and of connections to a host.
    :param chunk_workers: how many chunks of one file are sent at a time.
    :param bandwidth: bytes per second; None for no limit.
    :param chunk_size: the size of the chunks of a large file, in bytes. A smaller file is sent with one request.
    """

    def __init__(
        self,
        connector: Any,
        workers: int,
        chunk_workers: int = DEFAULT_CHUNK_WORKERS,
        bandwidth: Optional[int] = None,
        stop: Optional[Stop] = None,
        chunk_size: int = CHUNK_SIZE,
    ) -> None:
        self.connector = connector
        self.stop = stop or Stop()
        self.progress = Progress()
        self.chunk_size = chunk_size
        # More threads than connections would only wait for a connection.
        self.chunk_workers = ChunkWorkers(min(chunk_workers, workers))
        self.bandwidth = Bandwidth(bandwidth, self.stop.requested)
        # Most files share their directory with others. Resolving it for each file took an eighth of the CPU time.
        self.resolve = lru_cache(maxsize=10_000)(os.path.realpath)
