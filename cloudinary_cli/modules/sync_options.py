"""The options of `cld sync` about renames and backups."""

from __future__ import annotations

from typing import Any, Dict, Optional

import click

from cloudinary_cli.command import NonEmptyText, completion_of, option_group

rename_and_backup_options = option_group(
    click.option(
        "--track-renames",
        is_flag=True,
        help="Rename what has a new name and the same content, instead of transferring and deleting it.",
    ),
    click.option(
        "--backup-dir",
        type=NonEmptyText(),
        metavar="DIR",
        shell_complete=completion_of("directories"),
        help="With --pull: keep deleted and overwritten files in this directory.",
    ),
    click.option(
        "--backup-folder",
        type=NonEmptyText(),
        metavar="FOLDER",
        help="With --push: keep deleted and overwritten assets in this Cloudinary folder.",
    ),
)


def take_backup(push: bool, options: Dict[str, Any]) -> Optional[str]:
    """Remove the two backup options from a command's own, and return the one that is given.

    :raises click.UsageError: an option that has no meaning in this direction, with --keep-unique or in a plan.
    """
    from cloudinary_cli.transfer.keys import joined

    directory: Optional[str] = options.pop("backup_dir")
    folder: Optional[str] = options.pop("backup_folder")
    if push and directory is not None:
        raise click.UsageError("--backup-dir is for --pull. With --push, use --backup-folder FOLDER.")
    if not push and folder is not None:
        raise click.UsageError("--backup-folder is for --push. With --pull, use --backup-dir DIR.")
    if options["track_renames"] and options["keep_unique"]:
        raise click.UsageError("--track-renames renames nothing with --keep-unique (-K). Omit one of them.")
    backup = directory if folder is None else joined(folder)
    is_plan = options["items"] or (options["dry_run"] and options["report"])
    if is_plan and (options["track_renames"] or backup is not None):
        raise click.UsageError(
            "A plan (--dry-run --report, --items) has no renames and no backups. Omit --track-renames, --backup-dir and"
            " --backup-folder, or run without a plan."
        )
    return backup
