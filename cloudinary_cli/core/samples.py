"""The hidden commands `sample`, `couple` and `dog`, which print the URL of a public asset of the cloud `demo`."""

from __future__ import annotations

from typing import cast

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.url import show_url
from cloudinary_cli.sdk.delivery import UrlRequest


def _sample_command(name: str, resource_type: str) -> click.Command:
    @click.command(name, cls=CldCommand, hidden=True, help=f"Print the URL of the sample {resource_type} '{name}'.")
    @click.argument("transformation", default="")
    @click.option("-o", "--open", "open_it", is_flag=True, help="Also open the URL in the browser.")
    @click.pass_obj
    def command(app: AppContext, transformation: str, open_it: bool) -> bool:
        show_url(app, UrlRequest(name, transformation, resource_type), {"cloud_name": "demo"}, open_it)
        return True

    return cast(click.Command, command)


sample = _sample_command("sample", "image")
couple = _sample_command("couple", "image")
dog = _sample_command("dog", "video")
