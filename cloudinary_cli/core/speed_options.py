"""Options for the speed of transfers: --chunk-workers and --bwlimit."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Optional

import click

from cloudinary_cli.command import option_group
from cloudinary_cli.net.chunks import DEFAULT_CHUNK_WORKERS

_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmg])(?:i?b)?(?:/s)?\Z", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3}
_MIN_RATE = 1024  # bytes per second


class Rate(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A rate such as 2M (2 MiB per second), converted to bytes per second.

    The unit is required: a number without one would be bytes for some tools and KiB for others (rsync, rclone).
    """

    name = "rate"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> int:
        match = _RATE.match(str(value))
        if match is None:
            self.fail(f"'{value}' is not a rate. Write a number and K, M or G (per second): 500K, 2M.", param, ctx)
        rate = int(Decimal(match[1]) * 1024 ** _POWERS[match[2].lower()])
        if rate < _MIN_RATE:
            self.fail("The lowest rate is 1K.", param, ctx)
        return rate


chunk_workers_option = click.option(
    "--chunk-workers",
    type=click.IntRange(min=1),
    default=DEFAULT_CHUNK_WORKERS,
    show_default=True,
    metavar="N",
    help="Send up to N chunks of a large file at the same time. 1: one after the other.",
)
speed_options = option_group(
    chunk_workers_option,
    click.option(
        "--bwlimit",
        type=Rate(),
        metavar="RATE",
        help="Send and receive at most RATE in total: 500K, 2M, 1G (KiB, MiB, GiB per second).",
    ),
)
