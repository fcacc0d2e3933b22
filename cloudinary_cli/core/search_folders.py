"""`cld search_folders`."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.search_options import search_options, search_request
from cloudinary_cli.errors import Status
from cloudinary_cli.search.request import for_folders

_DOC_URL = "https://cloudinary.com/documentation/admin_api#search_folders"


def _no_url(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value:
        raise click.UsageError("Folder search has no search URLs. -u and -t work only with `cld search`.", ctx)


@click.command("search_folders", cls=CldCommand)
@search_options
@click.option("-u", "--url", is_flag=True, hidden=True, expose_value=False, callback=_no_url)
@click.option("-t", "--ttl", hidden=True, expose_value=False, callback=_no_url)
@click.pass_obj
def search_folders(app: AppContext, /, doc: bool, **options: Any) -> Status:
    """Search folders. The words of QUERY are the search expression; without QUERY, all folders are found.

    \b
    cld search_folders "name:summer*" -s name asc
    cld search_folders -A -F --json folders.json
    """
    from cloudinary_cli.api.listing import open_documentation
    from cloudinary_cli.search import run as search_run

    if doc:
        return open_documentation(app, _DOC_URL)
    request, dropped = for_folders(search_request(**options))
    if dropped:
        app.console.warning(f"Folder search has no {', '.join(dropped)}, so it was not sent.")
    return search_run.run(app, request)


for _param in search_folders.params:
    # The command accepts these options only to warn that they have no effect.
    if isinstance(_param, click.Option) and _param.name in ("with_field", "fields", "aggregate"):
        _param.hidden = True
