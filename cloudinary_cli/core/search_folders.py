"""`cld search_folders`: folders by an expression; the options of `cld search` that folder search has."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.search import open_reference
from cloudinary_cli.core.search_options import hide, search_options, search_request
from cloudinary_cli.errors import Status
from cloudinary_cli.search.request import for_folders

_DOC_URL = "https://cloudinary.com/documentation/admin_api#search_folders"


def _no_url(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        raise click.UsageError("Folder search has no search URLs; -u and -t work with `cld search` only.", ctx)


@click.command("search_folders", cls=CldCommand)
@search_options
@click.option("-u", "--url", is_flag=True, hidden=True, expose_value=False, callback=_no_url)
@click.option("-t", "--ttl", hidden=True, expose_value=False, callback=_no_url)
@click.pass_obj
def search_folders(app: AppContext, /, doc: bool, **options: Any) -> Status:
    """Search folders; the words of QUERY are the expression, none finds everything.

    \b
    cld search_folders "name:summer*" -s name asc
    cld search_folders -A -F --json folders.json
    """
    from cloudinary_cli.search import run as search_run

    if doc:
        return open_reference(app, _DOC_URL)
    request, dropped = for_folders(search_request(**options))
    if dropped:
        app.console.warning(f"Folder search has no {', '.join(dropped)}; not sent.")
    return search_run.run(app, request)


hide(search_folders, "with_field", "fields", "aggregate")
