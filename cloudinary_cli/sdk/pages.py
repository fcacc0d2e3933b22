"""Follows the cursors of a listing, waits for the rate limit, joins the pages, and filters their items."""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from cloudinary_cli.defaults import logger
from cloudinary_cli.errors import ApiError, CliError
from cloudinary_cli.net.retry import LISTING_BUDGET, jitter

PAGE_SIZE = 500

Page = Mapping[str, Any]
Fetch = Callable[[str], Page]
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Collected:
    """The joined pages. After an `error`, `result` has the pages before it, and the cursor of the page that failed."""

    result: Dict[str, Any]
    error: Optional[CliError] = None


def pages(first: Page, fetch: Fetch, cursor_key: str = "next_cursor") -> Iterator[Page]:
    """Yield `first` and every page after it; `fetch` returns the page of a cursor.

    :raises ApiError: the server returned the same cursor twice, so the listing would never end.
    """
    page, seen = first, set()
    yield page
    while page.get(cursor_key):
        cursor = page[cursor_key]
        if cursor in seen:
            raise ApiError("The server returned the same cursor twice, so the listing is incomplete.")
        seen.add(cursor)
        page = fetch(cursor)
        yield page


def wait_for_quota(page: Any, clock: Callable[[], float], sleep: Sleep = time.sleep) -> None:
    """Wait until the hourly limit of the Admin API allows another call.

    :param page: the last response, with the SDK's attributes for the rate-limit headers.
    :param clock: returns epoch seconds.
    :raises ApiError: the limit resets in more than a minute.
    """
    remaining, reset_at = getattr(page, "rate_limit_remaining", None), getattr(page, "rate_limit_reset_at", None)
    if remaining is None or remaining > 0 or not reset_at:
        return
    reset = calendar.timegm(reset_at)
    wait = reset - clock()
    if wait > LISTING_BUDGET.longest_pause:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(reset))
        raise ApiError(f"No Admin API calls are left; the limit resets at {when}.")
    if wait > 0:
        logger.info("No Admin API calls are left: waiting %.0f s for the limit to reset.", wait)
        sleep(wait + jitter())


def list_field(page: Page, known: Optional[str] = None) -> str:
    """Name of the member that holds the page's items: `known` if it is a list, else the only list of the page.

    :raises ApiError: there is no list, or more than one.
    """
    lists = [key for key, value in page.items() if isinstance(value, list)]
    if known in lists:
        return str(known)
    if len(lists) != 1:
        found = f"it has {len(lists)} lists ({', '.join(lists)})" if lists else "it has no list"
        raise ApiError(f"Cannot tell which list of the response to extend: {found}. Run it without -A.")
    return lists[0]


def collect(first: Page, fetch: Fetch, cursor_key: str = "next_cursor", known_field: Optional[str] = None) -> Collected:
    """Join all pages: the items in order, all other members from the first page.

    An error on a later page is returned together with the items before it.
    """
    result = dict(first)
    try:
        field = list_field(first, known_field)
        items: List[Any] = []
        result[field] = items
        for page in pages(first, fetch, cursor_key):
            items.extend(_items(page, field))
            result[cursor_key] = page.get(cursor_key)
    except CliError as error:
        return Collected(result, error)
    result.pop(cursor_key, None)
    return Collected(result)


def _items(page: Page, field: str) -> List[Any]:
    items = page.get(field)
    if not isinstance(items, list):
        raise ApiError(f"A page of the listing has no list '{field}', so the listing is incomplete.")
    return items


def filter_fields(result: Page, names: Sequence[str], field: Optional[str] = None) -> Dict[str, Any]:
    """Keep only the named members of each item, in the order of `names`.

    Applies to the list `field` and to every list with an object that has one of the members.
    """
    return {
        key: [_only(item, names) for item in value] if _is_filtered(key, value, names, field) else value
        for key, value in result.items()
    }


def _is_filtered(key: str, value: Any, names: Sequence[str], field: Optional[str]) -> bool:
    if not isinstance(value, list):
        return False
    return key == field or any(isinstance(item, dict) and any(name in item for name in names) for item in value)


def _only(item: Any, names: Sequence[str]) -> Any:
    return {name: item[name] for name in names if name in item} if isinstance(item, dict) else item
