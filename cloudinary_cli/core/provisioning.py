"""`cld provisioning`: any method of the Provisioning API."""

from __future__ import annotations

from typing import Any

import click

from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import ApiCommand, api_options, run_api_command
from cloudinary_cli.errors import Status

_DOC_URL = "https://cloudinary.com/documentation/provisioning_api"


@click.command("provisioning", cls=ApiCommand)
@api_options
@click.pass_obj
def provisioning(app: AppContext, /, **options: Any) -> Status:
    """Run any method of the Provisioning API.

    It needs CLOUDINARY_ACCOUNT_URL=account://<api_key>:<api_secret>@<account_id> and no other configuration.
    The first of PARAMS is the method. The others are its arguments, as values in order, name=value, or
    --name value. Without PARAMS, the methods are listed. `cld provisioning -ls METHOD` shows the help of a method.

    \b
    cld provisioning sub_accounts enabled=true
    cld provisioning create_user Ann ann@example.com admin
    """
    return run_api_command(app, "provisioning", _DOC_URL, options)
