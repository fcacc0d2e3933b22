"""The command `cld sync`. transfer.sync does the work."""

from __future__ import annotations

from typing import Any, Tuple

import click

from cloudinary_cli.context import AppContext
from cloudinary_cli.core.speed_options import speed_options
from cloudinary_cli.modules.folder_options import folder_arguments, folder_options, folder_query
from cloudinary_cli.modules.selection_options import TransferCommand, files_from_option, items_option, selection_options
from cloudinary_cli.modules.sync_options import rename_and_backup_options, take_backup
from cloudinary_cli.modules.transfer_options import run_options, take_options, upload_parameters


@click.command("sync", cls=TransferCommand)
@folder_arguments
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
@folder_options
@rename_and_backup_options
@upload_parameters
@files_from_option
@items_option
@selection_options
@speed_options
@run_options
@click.pass_obj
def sync(
    app: AppContext,
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
        raise click.UsageError("Please use either the '--push' OR '--pull' options")
    backup = take_backup(push, options)
    from cloudinary_cli.transfer.sync import items
    from cloudinary_cli.transfer.sync import sync as engine
    from cloudinary_cli.transfer.sync.plan import Direction
    from cloudinary_cli.transfer.upload_options import given_options

    _check_order(app, local_folder, cloudinary_folder, push)
    transfer = take_options(options)
    run = items.sync_items if transfer.items else engine.sync
    run(
        app,
        engine.SyncOptions(
            Direction.PUSH if push else Direction.PULL,
            local_folder,
            folder_query(cloudinary_folder, options.pop("folder_mode"), options.pop("status")),
            _policy(options.pop("force"), options.pop("keep_unique")),
            upload_options=given_options(strings, parsed, app.console.warning),
            transfer=transfer,
            backup=backup,
            **options,
        ),
    )
    return True


def _check_order(app: AppContext, local_folder: str, cloudinary_folder: str, push: bool) -> None:
    """Notice swapped arguments. Only a warning for a pull, whose local folder may be new."""
    from cloudinary_cli.transfer.scan import swapped_arguments

    swapped = swapped_arguments(local_folder, cloudinary_folder)
    if swapped and push:
        raise click.UsageError(f"{swapped} --push")
    if swapped:
        app.console.warning(f"{swapped} --pull")


def _policy(force: bool, keep: bool) -> Any:
    from cloudinary_cli.transfer.sync.policy import Policy

    return Policy.KEEP if keep else Policy.DELETE if force else Policy.ASK
