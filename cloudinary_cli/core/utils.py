"""`cld utils`: the SDK's utility functions for signatures, delivery URLs and download URLs."""

from __future__ import annotations

from typing import Tuple

import click

from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import ApiCommand, argument_options, listing_options


@click.command("utils", cls=ApiCommand)
@argument_options
@listing_options
@click.pass_obj
def utils(
    app: AppContext,
    words: Tuple[str, ...],
    strings: Tuple[Tuple[str, str], ...],
    parsed: Tuple[Tuple[str, str], ...],
    ls: bool,
    as_json: bool,
) -> bool:
    """Run a utility function of the SDK, for example to sign a request, build a URL or verify a signature.

    The first of PARAMS is the function, the others are its arguments. Without PARAMS, the functions are listed.
    A verification that fails prints nothing and exits with 1.

    \b
    cld utils cloudinary_url sample width=100 crop=scale
    cld utils download_zip_url public_ids=a,b
    """
    from cloudinary_cli.api import listing as api_listing
    from cloudinary_cli.api import utility
    from cloudinary_cli.api.arguments import Arguments

    if ls or not words:
        return api_listing.show_methods(app, "utils", words, as_json)
    result = utility.run(app, words[0], Arguments(words[1:], strings, parsed))
    if as_json:
        app.console.json(result)
    elif result:
        app.console.data_lines(str(result))
    return bool(result)
