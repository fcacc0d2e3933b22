"""The command `cld sync`. transfer.sync does the work."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import click

from cloudinary_cli.command import NonEmptyText, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.modules.selection_options import TransferCommand, items_option, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options, upload_parameters

_FOLDER_MODES = ("fixed", "dynamic")
_STATUSES = ("all", "active", "pending")


@click.command("sync", cls=TransferCommand)
@click.argument("local_folder", type=NonEmptyText(), shell_complete=completion_of("directories"))
@click.argument("cloudinary_folder", type=NonEmptyText("Is a shell variable unset? The root folder is written: /"))
@click.option("--push", is_flag=True, help="Change the Cloudinary folder to match the local one.")
@click.option("--pull", is_flag=True, help="Change the local folder to match the Cloudinary one.")
@click.option("-H", "--include-hidden", is_flag=True, help="Include hidden files and directories.")
@click.option("-F", "--force", is_flag=True, help="Delete without asking.")
@click.option("-K", "--keep-unique", is_flag=True, help="Delete nothing.")
@click.option(
    "--max-delete",
    type=click.IntRange(min=0),
    metavar="N",
    help="Refuse to start when more than N files would be deleted.",
)
@click.option(
    "-D",
    "--deletion-batch-size",
    "batch_size",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="The number of assets to delete with one call.",
)
@click.option("-fm", "--folder-mode", type=click.Choice(_FOLDER_MODES, case_sensitive=False), hidden=True)
@click.option(
    "-st",
    "--status",
    type=click.Choice(_STATUSES, case_sensitive=False),
    help="Include only assets with this status. [active]",
)
@upload_parameters
@items_option
@selection_options
@run_options
@click.pass_context
def sync(
    ctx: click.Context,
    /,
    local_folder: str,
    cloudinary_folder: str,
    push: bool,
    pull: bool,
    strings: Tuple[Tuple[str, str], ...],
    parsed: Tuple[Tuple[str, str], ...],
    **options: Any,
) -> bool:
    """Change a Cloudinary folder to match a local one (--push), or a local folder to match a Cloudinary one (--pull).

    Only differences are transferred. Files that exist only on the receiving side are deleted at the end, after a
    question. '/' is the root folder.

    \b
    cld sync photos shop/photos --push --dry-run
    cld sync photos shop/photos --push -F --exclude 'tmp/' --report sync.jsonl
    cld sync photos shop/photos --pull -K
    """
    if push == pull:
        raise click.UsageError("Please use either the '--push' OR '--pull' options", ctx)
    from cloudinary_cli.transfer.scan import swapped_arguments
    from cloudinary_cli.transfer.sync import items
    from cloudinary_cli.transfer.sync import sync as engine
    from cloudinary_cli.transfer.sync.plan import Direction
    from cloudinary_cli.transfer.upload_options import given_options

    app: AppContext = ctx.obj
    swapped = swapped_arguments(local_folder, cloudinary_folder)
    if swapped and push:
        raise click.UsageError(f"{swapped} --push", ctx)
    if swapped:  # the local folder of a pull may be new
        app.console.warning(f"{swapped} --pull")
    transfer = take_options(options)
    run = items.sync_items if transfer.items else engine.sync
    run(
        app,
        engine.SyncOptions(
            Direction.PUSH if push else Direction.PULL,
            local_folder,
            _query(cloudinary_folder, options.pop("folder_mode"), options.pop("status")),
            _policy(options.pop("force"), options.pop("keep_unique")),
            upload_options=given_options(strings, parsed, app.console.warning),
            transfer=transfer,
            **options,
        ),
    )
    return True


def _query(folder: str, mode: Optional[str], status: Optional[str]) -> Any:
    from cloudinary_cli.transfer.keys import FolderMode, clean_folder
    from cloudinary_cli.transfer.remote import RemoteQuery

    return RemoteQuery(clean_folder(folder), FolderMode(mode.lower()) if mode else None, status)


def _policy(force: bool, keep: bool) -> Any:
    from cloudinary_cli.transfer.sync.policy import Policy

    return Policy.KEEP if keep else Policy.DELETE if force else Policy.ASK
