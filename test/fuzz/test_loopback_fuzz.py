"""Short runs of the loopback fuzzer."""

from __future__ import annotations

import random

import pytest

from test.fuzz import loopback


@pytest.mark.parametrize("seed", range(6))
def test_random_traffic_neither_blocks_the_genuine_redirect_nor_is_repeated(seed: int) -> None:
    assert loopback.play(seed) > 10


def test_a_seed_gives_the_same_traffic() -> None:
    first, again = ([loopback.make_case(random.Random(seed), "h:1") for seed in range(50)] for _ in range(2))
    assert first == again and len({case.pieces[0] for case in first}) > 20


def test_the_checks_can_fail() -> None:
    case = loopback.Case([b"GET / HTTP/1.1\r\n\r\n"], "read")
    for bad in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 404 No\r\n\r\nm4rk"):
        with pytest.raises(AssertionError):
            loopback.check_response(bad, case)
