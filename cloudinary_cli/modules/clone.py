"""The command `cld clone`. transfer.clone does the work."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import click

from cloudinary_cli.command import NonEmptyText, completion_of
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.api_options import split_fields
from cloudinary_cli.modules.selection_options import TransferCommand, items_option, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options

_FIELDS = ("tags", "context", "metadata")


def known_fields(ctx: click.Context, param: click.Parameter, value: Tuple[str, ...]) -> Tuple[str, ...]:
    """Click callback of -fi: comma-separated lists of fields that can be copied."""
    names = split_fields(value)
    for name in names:
        if name not in _FIELDS:
            raise click.BadParameter(f"'{name}' cannot be copied; choose from {', '.join(_FIELDS)}.", ctx, param)
    return names


@click.command("clone", cls=TransferCommand)
@click.argument("target", type=NonEmptyText(), shell_complete=completion_of("config_names"))
@click.option("-F", "--force", is_flag=True, help="Do not ask when there are several pages of results.")
@click.option("-ow", "--overwrite", is_flag=True, help="Overwrite assets that already exist in TARGET.")
@click.option(
    "-fi",
    "--fields",
    multiple=True,
    metavar="FIELDS",
    callback=known_fields,
    help="Also copy tags (-fi tags). Context and structured metadata are always copied.",
)
@click.option("-se", "--search_exp", metavar="EXPRESSION", help="Copy only the assets that this search finds.")
@click.option("--async", "is_async", is_flag=True, help="Do not wait until TARGET has fetched the assets.")
@click.option("-nu", "--notification_url", metavar="URL", help="Where TARGET notifies of each asset.")
@click.option(
    "-ue",
    "--url_expiry",
    type=click.IntRange(min=1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Lifetime of the signed URLs from which TARGET fetches restricted assets.",
)
@items_option
@selection_options
@run_options
@click.pass_obj
def clone(
    app: AppContext,
    /,
    target: str,
    force: bool,
    overwrite: bool,
    fields: Tuple[str, ...],
    search_exp: Optional[str],
    is_async: bool,
    notification_url: Optional[str],
    url_expiry: int,
    **options: Any,
) -> bool:
    """Copy assets from the active configuration to TARGET, another cloud.

    TARGET is the name of a saved configuration, or a cloudinary:// URL. Cloudinary fetches each asset from the source;
    nothing passes through this machine. The patterns of --include and --exclude apply to public IDs.

    \b
    cld -C work clone backup --dry-run
    cld -C work clone backup -fi tags -se "folder:shop/*" --report clone.jsonl
    cld -C work clone backup -fi tags --retry-failed clone.jsonl
    """
    from cloudinary_cli.transfer.clone import clone as engine
    from cloudinary_cli.transfer.clone.asset import CopyOptions

    copy_options = CopyOptions(overwrite, is_async, "tags" in fields, notification_url)
    engine.clone(app, engine.CloneOptions(target, copy_options, search_exp, force, url_expiry, take_options(options)))
    return True
