"""How a page that is only read is asked for: again after passing errors, and not before the rate limit allows it."""

from __future__ import annotations

import calendar
import random
import re
import time
from typing import Any, Callable

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError
from cloudinary_cli.utils.retry import backoff

ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 60.0
# What the connector leaves alone for a POST. It has tried 420, 429 and 503 often enough when they arrive here.
_TRANSIENT = frozenset(["500", "502", "504"])
_STATUS = re.compile(r"Error (?:parsing server response \()?([0-9]{3})\b")

Sleep = Callable[[float], None]


def retried(call: Callable[[], Any], sleep: Sleep = time.sleep, connected: bool = False) -> Any:
    """Make a call whose repetition does no harm, again after a passing error.

    :param connected: the server has answered before, so that a connection it refuses now may succeed soon.

    :raises ApiError: the last one, or the first that will not pass.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except ApiError as error:
            if not is_passing(error, connected):
                raise
            logger.debug("%s Trying again (%s of %s).", error, attempt, ATTEMPTS - 1)
        sleep(backoff(attempt))
    return call()


def is_passing(error: ApiError, connected: bool = False) -> bool:
    """True for HTTP 500, 502, 504 and for a connection that broke off.

    One that never came about stays refused, unless others to the same server did (`connected`).
    """
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError, ReadTimeoutError

    status = _STATUS.match(str(error))
    if status:
        return status.group(1) in _TRANSIENT
    # ApiError <- the SDK's GeneralError <- urllib3's error, which may wrap the reason.
    broken = getattr(error.__cause__, "__context__", None)
    passing = (ProtocolError, ReadTimeoutError, *((ConnectTimeoutError, NewConnectionError) if connected else ()))
    return isinstance(getattr(broken, "reason", broken), passing)


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
