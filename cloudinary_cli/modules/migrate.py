"""`cld migrate`: its options, one call; transfer.migrate does the work."""

from __future__ import annotations

from typing import Any, Optional

import click

from cloudinary_cli.command import NonEmptyText
from cloudinary_cli.context import AppContext
from cloudinary_cli.modules.transfer_options import TransferCommand, run_options, selection_options, take_options


@click.command("migrate", cls=TransferCommand)
@click.argument("upload_mapping", type=NonEmptyText())
@click.argument("file", type=NonEmptyText())
@click.option(
    "-d",
    "--delimiter",
    default="\\n",
    show_default=True,
    help="What separates the URLs in FILE. \\n, \\t, \\r, \\0 and \\\\ are read as in C.",
)
@click.option(
    "--resource-type",
    type=click.Choice(["image", "video", "raw"]),
    help="Of all assets. By default it follows from the extension of each URL; without an extension it is image.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also say which URLs were uploaded.")
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

    Cloudinary fetches each asset itself, when its delivery URL is asked for. FILE is UTF-8 text with one URL a line;
    - reads stdin. The patterns of --include and --exclude, and the names in a report, are what follows the mapping's
    URL prefix.

    \b
    cld migrate legacy urls.txt --dry-run
    cld migrate legacy urls.txt -w 50 --report migrate.jsonl
    cld migrate legacy urls.txt --retry-failed migrate.jsonl
    """
    from cloudinary_cli.transfer import migrate as engine
    from cloudinary_cli.transfer.entries import unescape

    transfer = take_options(options)
    wanted = engine.MigrateOptions(upload_mapping, file, unescape(delimiter), verbose, resource_type, transfer)
    engine.migrate(app, wanted)
    return True
