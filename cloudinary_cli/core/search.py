"""`cld search`: assets by an expression. Its options are shared with `cld search_folders`."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple, TypeVar

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import split_fields
from cloudinary_cli.utils.search_utils import DEFAULT_PAGE_SIZE, DEFAULT_TTL_SECONDS, MAX_PAGE_SIZE, SearchRequest

F = TypeVar("F", bound=Callable[..., Any])
_DOC_URL = "https://cloudinary.com/documentation/search_api"
_AGGREGATE_HELP = "Count by a field, by ranges (bytes:small_-1000,big_1000-) or as a JSON object says; repeatable."


def no_option(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Click callback: refuse a value that is the next option, swallowed because the value was forgotten."""
    for text in value if isinstance(value, tuple) else (value,):
        if text and text.startswith("-"):
            raise click.BadParameter(f"a value is missing: '{text}' looks like an option.", ctx, param)
    return value


def sort_keys(ctx: click.Context, param: click.Parameter, value: Tuple[Tuple[str, str], ...]) -> Any:
    """Click callback of -s: FIELD and a direction, no swallowed options."""
    for field, direction in value:
        no_option(ctx, param, (field, direction))
        if direction.lower() not in ("asc", "desc"):
            raise click.BadParameter(f"'{direction}' is no direction; write asc or desc.", ctx, param)
    return tuple((field, direction.lower()) for field, direction in value)


def _text(*names: str, metavar: str, help: str, multiple: bool = False) -> Callable[[F], F]:
    return click.option(*names, metavar=metavar, help=help, multiple=multiple, callback=no_option)


_SEARCH_OPTIONS = (
    click.argument("query", nargs=-1),
    _text("-f", "--with_field", metavar="FIELDS", help="Extra fields to return (a,b or repeated).", multiple=True),
    _text("-fi", "--fields", metavar="FIELDS", help="Return only these fields (a,b or repeated).", multiple=True),
    click.option(
        "-s",
        "--sort_by",
        nargs=2,
        multiple=True,
        metavar="FIELD asc|desc",
        callback=sort_keys,
        help="Sort; repeatable.",
    ),
    _text("-a", "--aggregate", metavar="FIELD", help=_AGGREGATE_HELP, multiple=True),
    click.option(
        "-n",
        "--max_results",
        type=click.IntRange(1, MAX_PAGE_SIZE),
        default=DEFAULT_PAGE_SIZE,
        help=f"Results per page. Default: {DEFAULT_PAGE_SIZE}.",
    ),
    click.option("-c", "--next_cursor", metavar="CURSOR", help="Start at the page of this cursor."),
    click.option("-A", "--auto_paginate", is_flag=True, help="Fetch all pages and print them as one."),
    click.option("-F", "--force", is_flag=True, help="Do not ask before fetching more pages."),
    _text("-ff", "--filter_fields", metavar="FIELDS", help="Keep only these fields and those of -f.", multiple=True),
    click.option("-sq", "--search-query", "show_query", is_flag=True, hidden=True, help="Print the request and stop."),
    _text("--json", "json_file", metavar="FILE", help="Also write the list of results to FILE, as JSON."),
    _text("--csv", "csv_file", metavar="FILE", help="Also write the list of results to FILE, as CSV."),
    click.option("--jsonl", is_flag=True, help="Print one result a line (JSON lines)."),
    click.option("--quiet", is_flag=True, help="With --json or --csv: print no results."),
    click.option("-d", "--doc", is_flag=True, help="Open the API reference in the browser."),
)


def search_options(command: F) -> F:
    """Everything that both search commands have."""
    for decorate in reversed(_SEARCH_OPTIONS):
        command = decorate(command)
    return command


def search_request(query: Tuple[str, ...], **options: Any) -> SearchRequest:
    """The request that the options stand for."""
    if options["quiet"] and not (options["json_file"] or options["csv_file"]):
        raise click.UsageError("--quiet prints no results, so it needs --json FILE or --csv FILE.")
    if options["quiet"] and options["jsonl"]:
        raise click.UsageError("--quiet prints no results and --jsonl prints them: choose one.")
    lists: Dict[str, Any] = {
        name: split_fields(options.pop(name)) for name in ("with_field", "fields", "filter_fields")
    }
    return SearchRequest(expression=" ".join(query), **lists, **options)


def open_reference(app: AppContext, url: str) -> bool:
    """Do what -d asks for."""
    from cloudinary_cli.utils.api_listing import open_documentation

    return open_documentation(app, url)


@click.command("search", cls=CldCommand)
@search_options
@click.option("-u", "--url", is_flag=True, help="Print a signed search URL and stop.")
@click.option(
    "-t", "--ttl", type=click.IntRange(1), default=DEFAULT_TTL_SECONDS, help="With -u: its life time in seconds."
)
@click.pass_obj
def search(app: AppContext, /, doc: bool, **options: Any) -> bool:
    """Search assets; the words of QUERY are the expression, none finds everything.

    \b
    cld search "format:png AND bytes>100000" -s bytes desc -n 50
    cld search tags=shoes -A -F --csv shoes -ff public_id,secure_url
    """
    from cloudinary_cli.utils import search_run

    return open_reference(app, _DOC_URL) if doc else search_run.run(app, search_request(**options))
