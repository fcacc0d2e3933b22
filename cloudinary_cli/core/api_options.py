"""The shared options of the API commands, and a Click command class that also accepts the options of SDK methods."""

from __future__ import annotations

import importlib
from typing import Any, Dict, List, Tuple

import click

from cloudinary_cli.api.command_line import arrange, is_complete
from cloudinary_cli.command import (
    CldCommand,
    NameValueOption,
    completion_of,
    option_arity,
    option_group,
    progress_option,
    usage_of,
)
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import Status

_METHOD = "cloudinary_cli.method"


class ApiCommand(CldCommand):
    """A command whose words may include options of the SDK method, such as `--public_id x`."""

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        arity = option_arity(self, ctx)
        options, words = arrange(args, arity)
        if words[:1] == ["--"]:
            words[:2] = reversed(words[:2])  # the method comes first
        elif words and words[0].startswith("--"):
            with usage_of(ctx):
                raise click.NoSuchOption(words[0].partition("=")[0], ctx=ctx)
        ctx.meta[_METHOD] = words[0] if words else ""
        return super().parse_args(ctx, [*options, "--", *words] if is_complete(options, arity) else options)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the help of the method if one is given, as in `cld admin resource --help`, or else of the command."""
        explained = ""
        if ctx.meta.get(_METHOD):
            listing = importlib.import_module("cloudinary_cli.api.listing")
            explained = listing.method_help(str(self.name), ctx.meta[_METHOD])
        if not explained:
            super().format_help_text(ctx, formatter)
            return
        formatter.write_paragraph()
        formatter.write("".join(f"  {line}".rstrip() + "\n" for line in explained.splitlines()))


# PARAMS, -o and -O are passed to the method.
argument_options = option_group(
    click.argument("words", metavar="[PARAMS]...", nargs=-1, shell_complete=completion_of("method_names")),
    click.option(
        "-o",
        "--optional_parameter",
        "strings",
        cls=NameValueOption,
        help="Pass a keyword argument. The value is always text.",
    ),
    click.option(
        "-O",
        "--optional_parameter_parsed",
        "parsed",
        cls=NameValueOption,
        help="Pass a keyword argument. The value is parsed as JSON or a boolean if possible.",
    ),
)
listing_options = option_group(
    click.option(
        "-ls", "--ls", "ls", is_flag=True, help="List the methods, or show the help of the METHOD given in PARAMS."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON, also with -ls."),
)
# What admin, uploader and provisioning share.
api_options = option_group(
    argument_options,
    listing_options,
    progress_option(),
    click.option("-F", "--force", is_flag=True, help="Do not ask before deleting or before fetching more pages."),
    click.option(
        "--save", metavar="FILE", shell_complete=completion_of("files"), help="Also write the printed JSON to FILE."
    ),
    click.option("-d", "--doc", "doc", is_flag=True, help="Open the API reference in the browser."),
)


def split_fields(values: Tuple[str, ...]) -> Tuple[str, ...]:
    """`("a,b", "c")` -> `("a", "b", "c")`."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def run_api_command(app: AppContext, api: str, doc_url: str, options: Dict[str, Any]) -> Status:
    """Open the reference, list the methods, or call one, depending on the shared options."""
    from cloudinary_cli.api import command as api_command
    from cloudinary_cli.api import listing as api_listing

    doc, ls, as_json = options.pop("doc"), options.pop("ls"), options.pop("as_json")
    request = api_command.ApiRequest(api, **options)
    if doc:
        return api_listing.open_documentation(app, doc_url)
    if ls or not request.words:
        return api_listing.show_methods(app, api, request.words, as_json)
    return api_command.run(app, request)
