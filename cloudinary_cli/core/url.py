"""`cld url`: builds delivery URLs, without a request."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import click

from cloudinary_cli.api.command_line import in_utf8
from cloudinary_cli.command import CldCommand, NonEmptyText
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.sdk.delivery import DELIVERY_TYPES, RESOURCE_TYPES, UrlRequest, delivery_url
from cloudinary_cli.text import to_json


@click.command("url", cls=CldCommand)
@click.argument("public_id", type=NonEmptyText())
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
@click.option("-s", "--sign", is_flag=True, help="Sign the URL.")
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
    """Print the delivery URL of PUBLIC_ID. TRANSFORMATION is inserted unchanged.

    If PUBLIC_ID is "-", read public IDs from stdin, one per line, and print one URL per line (with --json, one JSON
    object per line).

    \b
    cld url sample w_100,c_scale
    cld url report.pdf --resource_type raw --sign
    cld url - w_100 < public_ids.txt
    """
    active = app.active if app.active.problem is None and app.active.cloud_name else app.active.require()
    request = UrlRequest(in_utf8(public_id), in_utf8(transformation), resource_type, delivery_type, sign)
    if public_id == "-":
        if open_it:
            raise click.UsageError("--open takes one public ID; it cannot be combined with - (public IDs from stdin).")
        show_urls_of_stdin(app, request, active.fields, as_json)
    else:
        show_url(app, request, active.fields, open_it, as_json)
    return True


def show_url(
    app: AppContext, request: UrlRequest, fields: Mapping[str, Any], open_it: bool, as_json: bool = False
) -> None:
    """Print the URL, as text or JSON, and open it if `open_it` is True."""
    address = delivery_url(request, fields)
    if as_json:
        app.console.json({"url": address})
    else:
        app.console.data_lines(address)
    if open_it and not app.open_browser(address):
        app.console.warning("No browser could be opened.")


def show_urls_of_stdin(app: AppContext, request: UrlRequest, fields: Mapping[str, Any], as_json: bool) -> None:
    """Print the URL of each public ID on stdin as soon as its line is read."""
    for public_id in _lines(app):
        address = delivery_url(request._replace(public_id=public_id), fields)
        row = {"public_id": public_id, "url": address}
        app.console.data(to_json(row, getattr(app.console.stdout, "encoding", None), None) if as_json else address)


def _lines(app: AppContext) -> Iterator[str]:
    """The lines of stdin without their line breaks and a byte order mark; blank lines are skipped.

    :raises CliError: stdin is closed, or a line is not UTF-8.
    """
    if app.console.stdin is None:
        raise CliError("No public IDs: stdin is closed. Pipe them in, one per line.")
    # Read as bytes, so that public IDs are UTF-8 in every locale.
    lines = getattr(app.console.stdin, "buffer")  # noqa: B009 - IO[str] does not declare the buffer of a text stream
    for number, line in enumerate(lines):
        text = line.decode("utf-8" if number else "utf-8-sig", "surrogateescape")
        public_id = in_utf8(text.rstrip("\r\n"))
        if public_id.strip():
            yield public_id
