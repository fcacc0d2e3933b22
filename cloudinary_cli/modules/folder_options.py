"""The arguments and options of `cld sync` and `cld check` that name a local folder and a Cloudinary folder."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

import click

from cloudinary_cli.command import NonEmptyText, completion_of

F = TypeVar("F", bound=Callable[..., Any])

_FOLDER_MODES = ("fixed", "dynamic")
_STATUSES = ("all", "active", "pending")


def folder_arguments(command: F) -> F:
    """The arguments LOCAL_FOLDER and CLOUDINARY_FOLDER."""
    unset = NonEmptyText("Is a shell variable unset? The root folder is written: /")
    command = click.argument("cloudinary_folder", type=unset)(command)
    return click.argument("local_folder", type=NonEmptyText(), shell_complete=completion_of("directories"))(command)


def folder_options(command: F) -> F:
    """The options -fm and -st, which select the assets of the Cloudinary folder."""
    for decorate in (
        click.option(
            "-st",
            "--status",
            type=click.Choice(_STATUSES, case_sensitive=False),
            help="Include only assets with this status. [active]",
        ),
        click.option("-fm", "--folder-mode", type=click.Choice(_FOLDER_MODES, case_sensitive=False), hidden=True),
    ):
        command = decorate(command)
    return command


def folder_query(folder: str, mode: Optional[str], status: Optional[str]) -> Any:
    """What to list of CLOUDINARY_FOLDER: a RemoteQuery."""
    from cloudinary_cli.transfer.keys import FolderMode, joined
    from cloudinary_cli.transfer.remote import RemoteQuery

    return RemoteQuery(joined(folder), FolderMode(mode.lower()) if mode else None, status)
