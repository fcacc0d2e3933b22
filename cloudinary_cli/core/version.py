"""`cld version`: the same lines as `cld --version`."""

from __future__ import annotations

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.version import versions


@click.command("version", cls=CldCommand)
@click.pass_obj
def version(app: AppContext) -> bool:
    """Show the versions of cld, of the Cloudinary SDK, and of Python.

    \b
    cld version
    cld -V
    """
    app.console.data_lines(*versions())
    return True
