"""`cld url`: the delivery URL of an asset, without a request."""

from __future__ import annotations

from typing import Any, Mapping

import click

from cloudinary_cli.command import CldCommand, config_optional
from cloudinary_cli.context import AppContext
from cloudinary_cli.utils.command_line import in_utf8
from cloudinary_cli.utils.url_utils import DELIVERY_TYPES, RESOURCE_TYPES, UrlRequest, url_arguments


@config_optional
@click.command("url", cls=CldCommand)
@click.argument("public_id")
@click.argument("transformation", default="")
@click.option("-rt", "--resource_type", type=click.Choice(RESOURCE_TYPES), default="image", help="Default: image.")
@click.option(
    "-t",
    "--type",
    "delivery_type",
    type=click.Choice(DELIVERY_TYPES),
    default="upload",
    metavar="TYPE",
    help="Delivery type, for example private, authenticated or fetch. Default: upload.",
)
@click.option("-o", "--open", "open_it", is_flag=True, help="Also open the URL in the browser.")
@click.option("-s", "--sign", is_flag=True, help="Make a signed URL.")
@click.option("--json", "as_json", is_flag=True, help='Print {"url": ...}.')
@click.pass_obj
def url(
    app: AppContext,
    public_id: str,
    transformation: str,
    resource_type: str,
    delivery_type: str,
    open_it: bool,
    sign: bool,
    as_json: bool,
) -> bool:
    """Print the delivery URL of PUBLIC_ID, with TRANSFORMATION put in as it is.

    \b
    cld url sample w_100,c_scale
    cld url report.pdf --resource_type raw --sign
    """
    active = app.active if app.active.problem is None and app.active.cloud_name else app.active.require()
    request = UrlRequest(in_utf8(public_id), in_utf8(transformation), resource_type, delivery_type, sign)
    show_url(app, request, active.fields, open_it, as_json)
    return True


def show_url(
    app: AppContext, request: UrlRequest, fields: Mapping[str, Any], open_it: bool, as_json: bool = False
) -> None:
    """Print the URL, alone or as JSON; with `open_it` open it as well."""
    from cloudinary_cli.sdk_url import delivery_url

    source, options = url_arguments(request, fields)
    address = delivery_url(source, options)
    if as_json:
        app.console.json({"url": address})
    else:
        app.console.data_lines(address)
    if open_it and not app.open_browser(address):
        app.console.warning("No browser could be opened.")
