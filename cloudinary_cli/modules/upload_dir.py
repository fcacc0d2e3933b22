"""The command `cld upload_dir`. transfer.upload_dir does the work."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import click

from cloudinary_cli.command import NonEmptyText, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.speed_options import speed_options
from cloudinary_cli.modules.folder_options import folder_mode_option
from cloudinary_cli.modules.selection_options import TransferCommand, files_from_option, items_option, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options, upload_parameters

_DOC_URL = "https://cloudinary.com/documentation/cloudinary_cli#upload_dir"


@click.command("upload_dir", cls=TransferCommand)
@click.argument("directory", default=".", type=NonEmptyText(), shell_complete=completion_of("directories"))
@click.option(
    "-g",
    "--glob-pattern",
    "glob",
    default="**/*",
    show_default=True,
    help="The files to upload: '*.jpg' at the top of DIRECTORY, '**/*.jpg' at any depth.",
)
@click.option("-H", "--include-hidden", is_flag=True, help="Include hidden files and directories.")
@upload_parameters
@click.option("-t", "--transformation", metavar="TEXT", help="Incoming transformation of each file (w_500,c_limit).")
@click.option("-f", "--folder", default="", metavar="FOLDER", help="The Cloudinary folder to upload into.")
@folder_mode_option
@click.option("-p", "--preset", metavar="NAME", help="The upload preset to use.")
@click.option("-e", "--exclude-dir-name", is_flag=True, help="Do not add the name of the directory to the folder.")
@files_from_option
@items_option
@selection_options
@speed_options
@run_options
@click.option("-d", "--doc", is_flag=True, help="Open the documentation in the browser.")
@click.pass_obj
def upload_dir(
    app: AppContext,
    /,
    directory: str,
    glob: str,
    include_hidden: bool,
    strings: Tuple[Tuple[str, str], ...],
    parsed: Tuple[Tuple[str, str], ...],
    transformation: Optional[str],
    folder: str,
    folder_mode: Optional[str],
    preset: Optional[str],
    exclude_dir_name: bool,
    doc: bool,
    **options: Any,
) -> bool:
    """Upload the files of DIRECTORY (default: the current one) and of the directories in it.

    They are uploaded to FOLDER/<name of DIRECTORY>/<subdirectory>. Every run uploads all files. To upload only new and
    changed files, use `cld sync DIRECTORY FOLDER --push -K`.

    \b
    cld upload_dir photos -f shop --dry-run
    cld upload_dir photos -f shop -g '**/*.jpg' --exclude 'tmp/' --report upload.jsonl
    cld upload_dir photos -f shop --retry-failed upload.jsonl
    """
    from cloudinary_cli.api.listing import open_documentation
    from cloudinary_cli.transfer import upload_dir as engine
    from cloudinary_cli.transfer.keys import FolderMode
    from cloudinary_cli.transfer.upload_options import given_options

    if doc:
        return open_documentation(app, _DOC_URL)
    given = given_options(strings, parsed, app.console.warning)
    own = {"raw_transformation": transformation, "upload_preset": preset}
    engine.upload_dir(
        app,
        engine.UploadDirOptions(
            directory,
            glob,
            include_hidden,
            folder,
            not exclude_dir_name,
            FolderMode(folder_mode) if folder_mode else None,
            {**given, **{name: value for name, value in own.items() if value}},
            take_options(options),
        ),
    )
    return True
