"""Runs a search and writes one page or all pages to stdout and to files. If a page fails, the earlier ones are kept."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union

from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import ApiError, CliError, ConfigError, DetailedExit, Status, Terminated
from cloudinary_cli.net.retry import retried
from cloudinary_cli.progress import Progress
from cloudinary_cli.sdk import loader
from cloudinary_cli.sdk import pages as pagination
from cloudinary_cli.sdk.call import call_api
from cloudinary_cli.sdk.delivery import delivery_options, secret_needed
from cloudinary_cli.sdk.pages import wait_for_quota
from cloudinary_cli.search.output import FileOutput, Items, JsonDocument, JsonLines, NoOutput, open_files
from cloudinary_cli.search.request import SearchKind, SearchRequest, all_pages_question, request_body

_CURSOR = "next_cursor"
_NOT_IN_HEAD = ("time", _CURSOR)


@dataclass
class _Progress:
    """What was read. `stopped_by` is the error or signal that ended the search before the last page."""

    count: int = 0
    time: float = 0
    cursor: Optional[str] = None
    stopped_by: Optional[BaseException] = None

    def take(self, page: pagination.Page, items: Items) -> None:
        self.count += len(items)
        time = page.get("time")
        self.time += time if isinstance(time, (int, float)) else 0
        self.cursor = page.get(_CURSOR)


def run(app: AppContext, request: SearchRequest) -> Status:
    """Print and save the result. Return INCOMPLETE if the user wanted only the first page of a longer result.

    :raises CliError: the request, the configuration or an output file is invalid, or a page failed. The pages before
        the failed one are printed and saved.
    """
    body = request_body(request)
    if request.url:
        app.console.data_lines(search_url(app, request, body))
        return True
    if request.show_query:
        app.console.json(_search(request, body).as_dict())
        return True
    with ExitStack() as stack:
        files = open_files(stack, request)
        app.sdk_config  # noqa: B018 - reading it configures the SDK
        fetch = _fetcher(request, body)
        with _display(app, request):
            first = fetch(request.next_cursor)
        if not request.auto_paginate or not first.get(_CURSOR):
            return _one_page(app, request, first, files)
        if not request.force and not app.console.confirm(
            all_pages_question(first.get("total_count"), getattr(first, "rate_limit_remaining", None))
        ):
            return _declined(app, request, first, files)
        if not request.force:
            app.console.info("Continuing. Use --force (-F) to skip the question.")
        return _all_pages(app, request, pagination.pages(first, fetch), files)


def search_url(app: AppContext, request: SearchRequest, body: Dict[str, Any]) -> str:
    """Return the signed URL of the search, without a request.

    :raises ConfigError: the configuration has no API secret to sign with.
    """
    fields = app.active.require().fields
    if not fields.get("api_secret"):
        raise ConfigError(secret_needed("A search URL", app.active.has_oauth))
    return str(_search(request, body).to_url(ttl=request.ttl, **delivery_options(fields)))


def _search(request: SearchRequest, body: Dict[str, Any]) -> Any:
    package = loader.load()
    search = package.SearchFolders() if request.kind is SearchKind.FOLDERS else package.Search()
    search.query.update(body)
    return search


def _fetcher(request: SearchRequest, body: Dict[str, Any]) -> Callable[[Optional[str]], Any]:
    def fetch(cursor: Optional[str]) -> Any:
        search = _search(request, {**body, _CURSOR: cursor} if cursor else body)
        return retried(lambda: call_api(search.execute), connected=cursor != request.next_cursor)

    return fetch


# -- one page, the first of several pages, all pages


def _one_page(app: AppContext, request: SearchRequest, page: Any, files: List[FileOutput]) -> bool:
    _show_page(app, request, page)
    if files:
        items = _items(page, request)
        for output in files:
            output.table.add(items)
    _save(app, files)
    return True


def _declined(app: AppContext, request: SearchRequest, page: Any, files: List[FileOutput]) -> Status:
    app.console.info("Stopping. Use --force (-F) to fetch all pages without a question.")
    if not request.quiet:
        app.console.warning("The output is partial: the first page only.")
    _show_page(app, request, page)
    _warn_of_unwritten(app, files)
    return DetailedExit.INCOMPLETE


def _all_pages(app: AppContext, request: SearchRequest, pages: Any, files: List[FileOutput]) -> bool:
    first = page = next(pages)
    of_total = f" of {first['total_count']}" if first.get("total_count") is not None else ""
    output, progress = _stdout(app, request, first), _Progress()
    # Results that are printed on the terminal show by themselves how far the search is.
    is_printed = app.console.stdout_is_terminal() and not request.quiet
    with nullcontext() if is_printed else _display(app, request, lambda: f"{progress.count}{of_total}"):
        while page is not None and progress.stopped_by is None:
            items = _items(page, request)
            output.add(items)
            for file in files:
                file.table.add(items)
            progress.take(page, items)
            page, progress.stopped_by = _next_page(app, request, page, pages)
    output.finish(_tail(first, progress))
    if isinstance(progress.stopped_by, (KeyboardInterrupt, Terminated)) and not request.quiet:
        _warn_of_unwritten(app, files)  # the results are on stdout
    else:
        _save(app, files)
    if progress.stopped_by is not None:
        app.console.warning(
            f"The result is partial: {progress.count}{of_total} {request.kind.value}."
            f" Fetch the rest with the same command and: -c {progress.cursor}"
        )
        raise progress.stopped_by
    return True


@contextmanager
def _display(app: AppContext, request: SearchRequest, detail: Optional[Callable[[], str]] = None) -> Iterator[None]:
    """Show the search on a terminal while the block runs; without `detail` only if it is slow or repeated."""
    items = Progress()
    with items.item(f"Searching {request.kind.value}", detail=detail), app.console.live(items.rows):
        yield


def _next_page(app: AppContext, request: SearchRequest, page: Any, pages: Any) -> Tuple[Any, Optional[BaseException]]:
    """Return the next page (None after the last one), or the error or signal that prevented it.

    Signals such as Ctrl-C are returned too, so that the caller can complete the output.
    """
    try:
        if page.get(_CURSOR):
            wait_for_quota(page, app.clock)
        page = next(pages, None)
        if page is not None:
            _checked_list(page, request.kind)
    except (CliError, KeyboardInterrupt, Terminated) as error:
        return None, error
    return page, None


# -- parts of the output


def _stdout(app: AppContext, request: SearchRequest, first: Any) -> Union[JsonDocument, JsonLines, NoOutput]:
    encoding = getattr(app.console.stdout, "encoding", None)
    if request.quiet:
        return NoOutput()
    if request.jsonl:
        return JsonLines(_writer(app), encoding)
    field = request.kind.value
    head = {key: value for key, value in first.items() if key not in (*_NOT_IN_HEAD, field)}
    return JsonDocument(_writer(app), field, head, encoding)


def _writer(app: AppContext) -> Callable[[str], None]:
    return lambda text: app.console.data(text, newline=False)


def _tail(first: Any, progress: _Progress) -> Dict[str, Any]:
    total_time = {"time": progress.time} if "time" in first else {}
    return {**total_time, **({_CURSOR: progress.cursor} if progress.stopped_by is not None else {})}


def _show_page(app: AppContext, request: SearchRequest, page: Any) -> None:
    if request.quiet:
        return
    if request.jsonl:
        _stdout(app, request, page).add(_items(page, request))
        return
    filtered = {request.kind.value: _items(page, request)} if request.kept_fields else {}
    app.console.json({**page, **filtered})


def _items(page: Any, request: SearchRequest) -> Items:
    """The results of a page, reduced to the fields of -ff."""
    items, field = _checked_list(page, request.kind), request.kind.value
    if not request.kept_fields:
        return items
    filtered: Items = pagination.filter_fields({field: items}, request.kept_fields, field)[field]
    return filtered


def _checked_list(page: Any, kind: SearchKind) -> Items:
    items = page.get(kind.value)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ApiError(f"The server's response has no list of {kind.value}.")
    return items


def _save(app: AppContext, files: List[FileOutput]) -> None:
    for output in files:
        app.console.info(output.save())


def _warn_of_unwritten(app: AppContext, files: List[FileOutput]) -> None:
    for output in files:
        app.console.warning(f"The file '{output.path}' was not written.")
