"""The command `cld regen_derived`. transfer.regen_derived does the work."""

from __future__ import annotations

from typing import Any, Optional

import click

from cloudinary_cli.command import NonEmptyText
from cloudinary_cli.context import AppContext
from cloudinary_cli.modules.selection_options import TransferCommand, items_option, selection_options
from cloudinary_cli.modules.transfer_options import run_options, take_options


@click.command("regen_derived", cls=TransferCommand)
@click.argument("trans_str", metavar="TRANSFORMATION", type=NonEmptyText())
@click.option("-enu", "--eager_notification_url", metavar="URL", help="Where to notify of each derived asset.")
@click.option("-ea", "--eager_async", is_flag=True, help="Do not wait until the derived assets are generated.")
@click.option("-A", "--auto_paginate", is_flag=True, help="Include all derived assets of the transformation.")
@click.option("-F", "--force", is_flag=True, help="Do not ask. Regenerating may cost money.")
@click.option(
    "-n",
    "--max_results",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="The number of derived assets to include without -A.",
)
@items_option
@selection_options
@run_options
@click.pass_obj
def regen_derived(
    app: AppContext,
    /,
    trans_str: str,
    eager_notification_url: Optional[str],
    eager_async: bool,
    auto_paginate: bool,
    force: bool,
    max_results: int,
    **options: Any,
) -> bool:
    """Regenerate the derived assets of a transformation, for example after a change of its definition.

    TRANSFORMATION is the name of a named transformation, or a transformation string. The patterns of --include and
    --exclude apply to public IDs.

    \b
    cld regen_derived thumbnail -A --dry-run
    cld regen_derived w_400,c_fill -A -F --report regen.jsonl
    """
    from cloudinary_cli.transfer import regen_derived as engine

    regen_options = engine.RegenOptions(
        trans_str,
        None if auto_paginate else max_results,
        eager_notification_url,
        eager_async,
        force,
        take_options(options),
    )
    engine.regenerate(app, regen_options)
    return True
