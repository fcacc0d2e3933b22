"""The arguments and options of `cld sync` and `cld check` that name a local folder and a Cloudinary folder."""

from __future__ import annotations

from typing import Any, Optional

import click

from cloudinary_cli.command import NonEmptyText, completion_of, option_group

folder_mode_option = click.option(
    "-fm", "--folder-mode", type=click.Choice(("fixed", "dynamic"), case_sensitive=False), hidden=True
)
folder_arguments = option_group(
    click.argument("local_folder", type=NonEmptyText(), shell_complete=completion_of("directories")),
    click.argument("cloudinary_folder", type=NonEmptyText("Is a shell variable unset? The root folder is written: /")),
)
# Which assets of the Cloudinary folder are meant.
folder_options = option_group(
    folder_mode_option,
    click.option(
        "-st",
        "--status",
        type=click.Choice(("all", "active", "pending"), case_sensitive=False),
        help="Include only assets with this status. [active]",
    ),
)


def folder_query(folder: str, mode: Optional[str], status: Optional[str]) -> Any:
    """What to list of CLOUDINARY_FOLDER: a RemoteQuery."""
    from cloudinary_cli.transfer.keys import FolderMode, joined
    from cloudinary_cli.transfer.remote import RemoteQuery

    return RemoteQuery(joined(folder), FolderMode(mode) if mode else None, status)
