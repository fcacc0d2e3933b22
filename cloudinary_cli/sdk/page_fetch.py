"""How a page of a listing is requested: with retries, and not before the rate limit allows it."""

from __future__ import annotations

import calendar
import random
import time
from typing import Any, Callable

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError
from cloudinary_cli.net.retry import repeatable

LONGEST_WAIT_SECONDS = 60.0

Sleep = Callable[[float], None]


def retried(call: Callable[[], Any], connected: bool = False) -> Any:
    """Make an SDK call whose repetition does no harm; the connector repeats it after transient errors.

    :param connected: the server has responded before, so a connection that it refuses now may succeed soon.
    :raises ApiError: refused, or no response after the retries.
    """
    with repeatable(connected):
        return call()


def wait_for_quota(page: Any, clock: Callable[[], float], sleep: Sleep = time.sleep) -> None:
    """Wait until the hourly limit allows another call, as the rate-limit headers of the last response tell.

    :raises ApiError: when that takes longer than a minute.
    """
    remaining, reset_at = getattr(page, "rate_limit_remaining", None), getattr(page, "rate_limit_reset_at", None)
    if remaining is None or remaining > 0 or not reset_at:
        return
    reset = calendar.timegm(reset_at)
    wait = reset - clock()
    if wait > LONGEST_WAIT_SECONDS:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(reset))
        raise ApiError(f"No Admin API calls are left; the limit resets at {when}.")
    if wait > 0:
        logger.info("No Admin API calls are left: waiting %.0f s for the limit to reset.", wait)
        # A little later than all the others that wait for the same second.
        sleep(wait + random.uniform(0.1, 0.5))
