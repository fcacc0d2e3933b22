"""Walks a listing from cursor to cursor and joins its pages; knows nothing of what the pages hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from cloudinary_cli.errors import ApiError, CliError

PAGE_SIZE = 500

Page = Mapping[str, Any]
Fetch = Callable[[str], Page]


@dataclass(frozen=True)
class Collected:
    """The joined pages. With an `error` they are only what came before it, and the result still has its cursor."""

    result: Dict[str, Any]
    error: Optional[CliError] = None


def pages(first: Page, fetch: Fetch, cursor_key: str = "next_cursor") -> Iterator[Page]:
    """Yield `first` and every page after it; `fetch` gets a cursor and returns its page.

    :raises ApiError: when the server gives a cursor again, which would go on for ever.
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


def list_field(page: Page, known: Optional[str] = None) -> str:
    """Name of the member that holds the page's items: the known one, or the only list there is.

    :raises ApiError: when that cannot be told.
    """
    lists = [key for key, value in page.items() if isinstance(value, list)]
    if known in lists:
        return str(known)
    if len(lists) != 1:
        found = f"it has {len(lists)} lists ({', '.join(lists)})" if lists else "it has no list"
        raise ApiError(f"Cannot tell which list of the response to extend: {found}. Run it without -A.")
    return lists[0]


def collect(first: Page, fetch: Fetch, cursor_key: str = "next_cursor", known_field: Optional[str] = None) -> Collected:
    """Join all pages: the items in order, everything else as the first page has it.

    An error on a later page loses nothing: what came before it is returned along with it.
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

    Applies to the list `field` and to every list that holds an object with one of the members.
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
