"""`cld admin`: any method of the Admin API."""

from __future__ import annotations

from typing import Any, Tuple

import click

from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import ApiCommand, api_options, run_api_command, split_fields
from cloudinary_cli.errors import Status

_DOC_URL = "https://cloudinary.com/documentation/admin_api"


@click.command("admin", cls=ApiCommand)
@api_options
@click.option("-A", "--auto_paginate", is_flag=True, help="Fetch all pages of a listing and print them as one.")
@click.option(
    "-ff",
    "--filter_fields",
    multiple=True,
    metavar="FIELDS",
    help="With -A: keep only these fields of each item (comma-separated or repeated).",
)
@click.pass_obj
def admin(app: AppContext, /, filter_fields: Tuple[str, ...], **options: Any) -> Status:
    """Run any method of the Admin API.

    The first of PARAMS is the method. The others are its arguments, as values in order, name=value, or
    --name value. Without PARAMS, the methods are listed. `cld admin -ls METHOD` shows the help of a method.

    \b
    cld admin resource sample colors=true
    cld admin resources -A -ff public_id,bytes
    cld admin delete_resources id1 id2 id3 --type private
    """
    return run_api_command(app, "admin", _DOC_URL, {**options, "filter_fields": split_fields(filter_fields)})
