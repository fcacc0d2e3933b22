"""The command `cld check`. transfer.check does the work."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.command import progress_option
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import DetailedExit, Status
from cloudinary_cli.modules.folder_options import folder_arguments, folder_options, folder_query
from cloudinary_cli.modules.selection_options import TransferCommand, files_from_option, filter_options
from cloudinary_cli.modules.transfer_options import take_options


@click.command("check", cls=TransferCommand)
@folder_arguments
@click.option("--one-way", is_flag=True, help="Ignore files that are only in Cloudinary.")
@click.option("-H", "--include-hidden", is_flag=True, help="Include hidden files and directories.")
@folder_options
@files_from_option
@filter_options
@progress_option()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each item (JSON Lines).")
@click.pass_obj
def check(app: AppContext, /, local_folder: str, cloudinary_folder: str, one_way: bool, **options: Any) -> Status:
    """Compare a local folder with a Cloudinary folder by size and MD5. Nothing is changed.

    Files and assets are matched as `cld sync` matches them. Each file whose asset has the same size is read. Each item
    is a line on stdout:

    \b
    = path   equal
    + path   only in the local folder
    - path   only in the Cloudinary folder
    * path   different
    ! path   not compared; stderr has the reason

    The exit status is 0 if all items are equal, and 1 otherwise.

    \b
    cld check photos shop/photos
    cld check photos shop/photos --one-way --json | jq -r 'select(.status != "equal").path'
    """
    from cloudinary_cli.transfer.check import check as engine
    from cloudinary_cli.transfer.scan import swapped_arguments

    swapped = swapped_arguments(local_folder, cloudinary_folder, "check")
    if swapped:
        raise click.UsageError(swapped)
    query = folder_query(cloudinary_folder, options.pop("folder_mode"), options.pop("status"))
    hidden, transfer = options.pop("include_hidden"), take_options(options)
    is_equal = engine.check(app, engine.CheckOptions(local_folder, query, hidden, one_way, transfer))
    return is_equal or DetailedExit.INCOMPLETE
