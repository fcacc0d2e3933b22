"""The rows of the display: totals that fit the width, rates, retries and pauses, and readable numbers."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from cloudinary_cli.progress import Progress, Total, current_item, readable_size, readable_time
from cloudinary_cli.text import display_width, fitted


def test_the_total_omits_the_least_important_parts_first() -> None:
    total = Total(63, 100 << 20)
    texts = [total.row(21, 20 << 20, 1, 2, columns).text for columns in (200, 40, 20, 5)]
    assert texts[0] == "21/63  33%  20.0 MiB of 100.0 MiB  1 failed  2 retries"
    assert texts[1] == "21/63  20.0 MiB of 100.0 MiB  1 failed"
    assert texts[2] == "21/63  1 failed" and texts[3] == "21/63"
    assert Total(None).row(21, 0, 0, 0, 80).text == "21 done"


def test_the_total_has_rate_and_time_left() -> None:
    total = Total(100)
    total.row(0, 0, 0, 0, 80)
    time.sleep(0.15)
    assert "items/s" in total.row(10, 0, 0, 0, 80).text and " left" in total.row(10, 0, 0, 0, 80).text


def test_the_time_left_counts_the_small_items_after_the_last_large_one() -> None:
    total = Total(100, 100 << 20)
    total.row(0, 0, 0, 0, 80)
    time.sleep(0.15)
    left = re.search(r"(\d+) s left", total.row(5, (100 << 20) - 1, 0, 0, 80).text)
    assert left is not None and int(left.group(1)) >= 2  # 95 items at 5 items in 0.15 s


def test_a_thread_reports_on_its_own_item() -> None:
    progress = Progress()
    assert current_item() is not current_item()  # without an item, reports are dropped
    with progress.item("a", 100 << 20) as item:
        assert current_item() is item
        item.position = 5
        assert progress.position == 5 and progress.rows(80, 24) == []  # it has just begun
        current_item().waiting(2, 4, 30.0, True)
        row, pause = progress.rows(80, 24)
    assert (row.text, row.detail) == ("a", "retrying (2/4) in 30 s")
    assert pause.text.startswith("Rate limit: until ") and pause.detail == "30 s left"
    assert progress.retries == 1 and progress.position == 0


@pytest.mark.parametrize(("columns", "has_bar"), [(40, False), (80, True)])
def test_a_large_item_has_bytes_and_rate(columns: int, has_bar: bool) -> None:
    progress = Progress()
    with progress.item("a", 100 << 20) as item:
        time.sleep(0.35)
        item.position = 50 << 20
        (row,) = progress.rows(columns, 24)
    assert "50%" in row.detail and "50.0 MiB" in row.detail and "/s" in row.detail
    assert row.detail.endswith("   50%  [######------]") is has_bar and len(row.detail) < columns - 8


def test_only_so_many_items_are_shown_as_fit_the_terminal() -> None:
    def details(count: int) -> Any:
        with progress.item(f"i{count}", detail=lambda: ""):
            return details(count - 1) if count else [row.text for row in progress.rows(80, 9)]

    progress = Progress()
    assert details(9) == ["i9", "i8", "i7", "i6", "and 6 more"]


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("\u65e5\u672c", 4), ("e\u0301", 1), ("\uff76", 1), ("\uff21", 2), ("\U0001f600", 2)],
)
def test_width_counts_columns(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    "text", ["folder/name.jpg", "\u65e5\u672c\u8a9e/\u5199\u771f.jpg", "e\u0301" * 20, "\u65e5e\u0301" * 9]
)
def test_a_cut_text_keeps_its_end_and_never_exceeds_the_width(text: str) -> None:
    for width in range(display_width(text) + 2):
        cut = fitted(text, width)
        assert display_width(cut) <= width and (cut == text or text.endswith(cut.lstrip(".")))
        assert not cut.lstrip(".").startswith("\u0301")


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 * 1024**4, "3.0 TiB")])
def test_sizes(size: int, text: str) -> None:
    assert readable_size(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3600, "1 h 0 min")])
def test_times(seconds: float, text: str) -> None:
    assert readable_time(seconds) == text


def test_an_item_in_parts_has_the_sum_of_their_bytes_and_never_goes_back() -> None:
    progress = Progress()
    with progress.item("a", 300) as item:
        first, second = item.split(2)
        with first.current():
            current_item().position = 100
        second.position = 50
        assert item.position == progress.position == 150
        second.position = 20  # it is sent again
        assert item.position == 150
        second.waiting(2, 4, 30.0, False)
        assert [row.detail for row in progress.rows(80, 24)] == ["retrying (2/4) in 30 s"] and progress.retries == 1
        item.split(2)  # the whole file is sent again
        assert item.position == 0
