"""The command `cld migrate`. transfer.migrate does the work."""

from __future__ import annotations

from typing import Any, Optional

import click

from cloudinary_cli.command import NonEmptyText, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.modules.selection_options import TransferCommand, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options


@click.command("migrate", cls=TransferCommand)
@click.argument("upload_mapping", type=NonEmptyText())
@click.argument("file", type=NonEmptyText(), shell_complete=completion_of("files"))
@click.option(
    "-d",
    "--delimiter",
    default="\\n",
    show_default=True,
    help="The separator of the URLs in FILE. \\n, \\t, \\r, \\0 and \\\\ are escapes as in C.",
)
@click.option(
    "--resource-type",
    type=click.Choice(["image", "video", "raw"]),
    help="The type of all assets. Default: by the extension of each URL; image without an extension.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also print the URLs that were uploaded.")
@selection_options
@run_options
@click.pass_obj
def migrate(
    app: AppContext,
    /,
    upload_mapping: str,
    file: str,
    delimiter: str,
    resource_type: Optional[str],
    verbose: bool,
    **options: Any,
) -> bool:
    """Upload the assets whose URLs are listed in FILE, through the auto-upload mapping UPLOAD_MAPPING.

    Cloudinary fetches each asset itself when its delivery URL is requested. FILE is UTF-8 text with one URL per line;
    - reads stdin. The patterns of --include and --exclude apply to the part of a URL after the mapping's URL prefix,
    which is also the name in a report.

    \b
    cld migrate legacy urls.txt --dry-run
    cld migrate legacy urls.txt -w 50 --report migrate.jsonl
    cld migrate legacy urls.txt --retry-failed migrate.jsonl
    """
    from cloudinary_cli.transfer import migrate as engine
    from cloudinary_cli.transfer.entries import unescape

    transfer = take_options(options)
    separator = unescape(delimiter)
    engine.migrate(app, engine.MigrateOptions(upload_mapping, file, separator, verbose, resource_type, transfer))
    return True
