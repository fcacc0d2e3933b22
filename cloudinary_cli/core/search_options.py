"""The options of `cld search` and `cld search_folders`, and their conversion to a request."""

from __future__ import annotations

import os
from typing import Any, Callable, Optional, Tuple, TypeVar

import click

from cloudinary_cli.api.command_line import in_utf8
from cloudinary_cli.command import completion_of, option_group, progress_option
from cloudinary_cli.core.api_options import split_fields
from cloudinary_cli.search.request import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, SearchRequest

F = TypeVar("F", bound=Callable[..., Any])
_AGGREGATE_HELP = "Count by a field, by ranges (bytes:small_-1000,big_1000-) or by a JSON object; repeatable."
_CSV_ESCAPE_HELP = (
    "With --csv: put an apostrophe before text that a spreadsheet would run as a formula. Use it for files that will"
    " be opened in Excel, LibreOffice or Google Sheets."
)


def no_option(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Click callback: refuse a value that looks like an option, because the actual value was probably forgotten."""
    for text in value if isinstance(value, tuple) else (value,):
        if text and text.startswith("-"):
            raise click.BadParameter(f"a value is missing: '{text}' looks like an option.", ctx, param)
    return value


def cursor(ctx: click.Context, param: click.Parameter, value: Optional[str]) -> Optional[str]:
    """Click callback of -c: refuse the command's own options, and a URL, whose secret must not be sent."""
    if value is not None and "://" in value:
        raise click.BadParameter("here, -c is a cursor. To use a URL: cld -c URL search ...", ctx, param)
    return no_option(ctx, param, value) if any(value in other.opts for other in ctx.command.params) else value


def file_name(ctx: click.Context, param: click.Parameter, value: Optional[str]) -> Optional[str]:
    """Click callback of FILE: refuse a directory and an empty name, which may come from an unset shell variable."""
    if value is not None and os.path.basename(value) in ("", ".", ".."):
        raise click.BadParameter(f"'{value}' is a directory." if value else "the file name is empty.", ctx, param)
    return no_option(ctx, param, value)  # type: ignore[no-any-return]


def sort_keys(ctx: click.Context, param: click.Parameter, value: Tuple[Tuple[str, str], ...]) -> Any:
    """Click callback of -s: check the field and the direction."""
    for field, direction in value:
        no_option(ctx, param, (field, direction))
        if direction.lower() not in ("asc", "desc"):
            raise click.BadParameter(f"'{direction}' is not a direction; write asc or desc.", ctx, param)
    return tuple((field, direction.lower()) for field, direction in value)


def _text(*names: str, metavar: str, help: str) -> Callable[[F], F]:
    return click.option(*names, metavar=metavar, help=help, multiple=True, callback=no_option)


def _file(option: str, name: str, kind: str) -> Callable[[F], F]:
    text = f"Also write the list of results to FILE, as {kind}."
    files = completion_of("files")
    return click.option(option, name, metavar="FILE", callback=file_name, help=text, shell_complete=files)


# The options that both search commands have.
search_options = option_group(
    click.argument("query", nargs=-1),
    _text("-f", "--with_field", metavar="FIELDS", help="Extra fields to return (comma-separated or repeated)."),
    _text("-fi", "--fields", metavar="FIELDS", help="Return only these fields (comma-separated or repeated)."),
    click.option(
        *("-s", "--sort_by"),
        nargs=2,
        multiple=True,
        metavar="FIELD asc|desc",
        callback=sort_keys,
        help="Sort by this field; repeatable.",
    ),
    _text("-a", "--aggregate", metavar="FIELD", help=_AGGREGATE_HELP),
    click.option(
        "-n",
        "--max_results",
        type=click.IntRange(1, MAX_PAGE_SIZE),
        default=DEFAULT_PAGE_SIZE,
        help=f"Results per page. Default: {DEFAULT_PAGE_SIZE}.",
    ),
    click.option("-c", "--next_cursor", metavar="CURSOR", callback=cursor, help="Start at the page with this cursor."),
    click.option("-A", "--auto_paginate", is_flag=True, help="Fetch all pages and print them as one."),
    click.option("-F", "--force", is_flag=True, help="Do not ask before fetching more pages."),
    _text("-ff", "--filter_fields", metavar="FIELDS", help="Keep only these fields and those of -f."),
    click.option("-sq", "--search-query", "show_query", is_flag=True, hidden=True, help="Print the request and stop."),
    _file("--json", "json_file", "JSON"),
    _file("--csv", "csv_file", "CSV"),
    click.option("--csv-escape", is_flag=True, help=_CSV_ESCAPE_HELP),
    click.option("--jsonl", is_flag=True, help="Print one result per line (JSON Lines)."),
    click.option("--quiet", is_flag=True, help="With --json or --csv: do not print the results."),
    progress_option(),
    click.option("-d", "--doc", is_flag=True, help="Open the API reference in the browser."),
)


def search_request(query: Tuple[str, ...], **options: Any) -> SearchRequest:
    """Build the request from the values of the options."""
    if options["quiet"] and not (options["json_file"] or options["csv_file"]):
        raise click.UsageError("--quiet prints no results, so it needs --json FILE or --csv FILE.")
    if options["quiet"] and options["jsonl"]:
        raise click.UsageError("--quiet prints no results, and --jsonl prints them. Give only one of them.")
    if options["csv_escape"] and not options["csv_file"]:
        raise click.UsageError("--csv-escape changes the file of --csv, so it needs --csv FILE.")
    lists: Any = {name: split_fields(options.pop(name)) for name in ("with_field", "fields", "filter_fields")}
    paths = {name: options.pop(name) for name in ("json_file", "csv_file")}
    return SearchRequest(**paths, **in_utf8({"expression": " ".join(query), **lists, **options}))
