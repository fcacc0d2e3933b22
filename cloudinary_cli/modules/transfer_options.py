"""Options shared by the bulk commands: how a run is carried out, and the options of each upload."""

from __future__ import annotations

from typing import Any, Dict

import click

from cloudinary_cli.command import VERBOSITY, NameValueOption, option_group, progress_option
from cloudinary_cli.context import AppContext
from cloudinary_cli.modules.selection_options import file_option, ordered_filters
from cloudinary_cli.transfer.engine.run import DEFAULT_WORKERS, TransferOptions
from cloudinary_cli.transfer.engine.shards import automatic_shard

# Fields of TransferOptions that are options of commands with the same names.
_SHARED = (
    "workers chunk_workers bwlimit dry_run shard retry_failed files_from items report max_delete as_json max_errors"
).split()


# How a run is carried out.
run_options = option_group(
    click.option(
        "-w",
        "--concurrent_workers",
        "workers",
        type=click.IntRange(min=1),
        default=DEFAULT_WORKERS,
        show_default=True,
        help="The number of simultaneous requests.",
    ),
    click.option("--dry-run", is_flag=True, help="Show what would be done. Nothing is changed or asked."),
    click.option(
        "--max-errors",
        type=click.IntRange(min=1),
        metavar="N",
        help="Stop after N failures. The other items are reported as not tried.",
    ),
    file_option("--report", "Write a JSON object for each item to FILE (JSON Lines)."),
    progress_option("Draw no progress; print a line for each item."),
    click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON on stdout."),
)
# The options of each upload.
upload_parameters = option_group(
    click.option("-o", "--optional_parameter", "strings", cls=NameValueOption, help="Upload option."),
    click.option(
        "-O",
        "--optional_parameter_parsed",
        "parsed",
        cls=NameValueOption,
        help="Upload option; the value is read as JSON, a boolean, or text.",
    ),
)


def take_options(options: Dict[str, Any]) -> TransferOptions:
    """Remove the shared options from a command's own and return them.

    :raises CliError: the environment does not tell the part for --shard auto.
    """
    filters = ordered_filters(options.pop("include", ()), options.pop("exclude", ()))
    if options.get("shard") == "auto":
        app: AppContext = click.get_current_context().obj
        options["shard"], scheduler = automatic_shard(app.environ)
        app.console.info(f"Part {options['shard']} ({scheduler})")
    return TransferOptions(
        filters=filters,
        verbose=VERBOSITY in click.get_current_context().meta,
        **{name: options.pop(name) for name in _SHARED if name in options},
    )
