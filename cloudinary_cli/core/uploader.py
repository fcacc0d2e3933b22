"""`cld uploader`: any method of the Upload API."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import ApiCommand, api_options, run_api_command
from cloudinary_cli.core.speed_options import chunk_workers_option
from cloudinary_cli.errors import Status

_DOC_URL = "https://cloudinary.com/documentation/image_upload_api_reference"


@click.command("uploader", cls=ApiCommand)
@api_options
@chunk_workers_option
@click.pass_obj
def uploader(app: AppContext, /, **options: Any) -> Status:
    """Run any method of the Upload API.

    The first of PARAMS is the method. The others are its arguments, as values in order, name=value, or
    --name value. Without PARAMS, the methods are listed. `cld uploader -ls METHOD` shows the help of a method.
    upload, upload_large and unsigned_upload take several files, and print a list of the responses.

    \b
    cld uploader upload photo.jpg folder=trips tags=sea,sun
    cld uploader upload https://example.com/a.jpg --public-id a
    cld uploader upload *.jpg tags=sea
    cld uploader add_tag summer id1 id2
    """
    return run_api_command(app, "uploader", _DOC_URL, options)
