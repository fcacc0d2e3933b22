"""`cld search`."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.search_options import search_options, search_request
from cloudinary_cli.errors import Status
from cloudinary_cli.search.request import DEFAULT_TTL_SECONDS

_DOC_URL = "https://cloudinary.com/documentation/search_api"


@click.command("search", cls=CldCommand)
@search_options
@click.option("-u", "--url", is_flag=True, help="Print a signed search URL and stop.")
@click.option(
    "-t",
    "--ttl",
    type=click.IntRange(1),
    default=DEFAULT_TTL_SECONDS,
    show_default=True,
    help="With -u: the lifetime of the URL in seconds.",
)
@click.pass_obj
def search(app: AppContext, /, doc: bool, **options: Any) -> Status:
    """Search assets. The words of QUERY are the search expression; without QUERY, all assets are found.

    \b
    cld search "format:png AND bytes>100000" -s bytes desc -n 50
    cld search tags=shoes -A -F --csv shoes -ff public_id,secure_url
    """
    from cloudinary_cli.api.listing import open_documentation
    from cloudinary_cli.search import run as search_run

    return open_documentation(app, _DOC_URL) if doc else search_run.run(app, search_request(**options))
