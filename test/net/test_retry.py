"""The retry policy: which responses are retried, for how long, and pauses that all threads observe."""

from __future__ import annotations

import email.utils
import time
from typing import Dict, List, Optional

import pytest

from cloudinary_cli.net.retry import RetryBudget, SharedPause, StopFlag, Stopped, attempts, backoff, retry_after

BUDGET = RetryBudget(attempts=3, longest_pause=30)


@pytest.mark.parametrize(
    ("status", "repeatable", "is_retried", "blocks_all"),
    [
        (429, False, True, True),
        (420, False, True, True),
        (503, False, True, False),
        (500, True, True, False),
        (500, False, False, False),
        (400, True, False, False),
        (200, True, False, False),
    ],
)
def test_the_status_and_the_request_decide_about_a_retry(
    status: int, repeatable: bool, is_retried: bool, blocks_all: bool
) -> None:
    retry = BUDGET.retry(1, status, {}, repeatable)
    assert (retry is not None) is is_retried
    assert retry is None or (retry.blocks_all is blocks_all and 0.25 <= retry.seconds <= 0.5)
    assert BUDGET.retry(3, status, {}, repeatable) is None, "the budget is used up"


@pytest.mark.parametrize(("seconds", "is_retried"), [("30", True), ("31", False)])
def test_a_longer_pause_than_the_budget_allows_is_not_retried(seconds: str, is_retried: bool) -> None:
    retry = BUDGET.retry(1, 429, {"Retry-After": seconds}, True)
    assert (retry is not None) is is_retried and (retry is None or (retry.seconds, retry.blocks_all) == (30.0, True))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": email.utils.formatdate(0, usegmt=True)}, 0.0),
        ({"X-FeatureRateLimit-Reset": email.utils.formatdate(0, usegmt=True)}, None),
        (
            {"X-FeatureRateLimit-Reset": email.utils.formatdate(0, usegmt=True), "X-FeatureRateLimit-Remaining": "0"},
            0.0,
        ),
    ],
)
def test_seconds_until_the_server_accepts_a_request(headers: Dict[str, str], expected: Optional[float]) -> None:
    assert retry_after(headers) == expected


def test_attempts_wait_longer_each_time() -> None:
    pauses: List[float] = []
    assert list(attempts(BUDGET, pauses.append)) == [1, 2, 3]
    assert len(pauses) == 2 and 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0
    assert 2.0 <= backoff(4) <= 4.0


def test_a_pause_blocks_all_threads_and_a_stop_ends_it() -> None:
    stop = StopFlag()
    pause = SharedPause(stop)
    pause.hold(0.2)
    begin = time.monotonic()
    pause.wait()
    assert time.monotonic() - begin >= 0.2
    pause.hold(3600)
    stop.set()
    with pytest.raises(Stopped):
        pause.wait()
