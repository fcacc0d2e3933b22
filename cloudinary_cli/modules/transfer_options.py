"""Options shared by the bulk commands, and a command class that keeps the order of --include and --exclude."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple, TypeVar

import click

from cloudinary_cli.command import VERBOSITY, CldCommand, NameValueOption
from cloudinary_cli.transfer.engine.run import DEFAULT_WORKERS, TransferOptions

F = TypeVar("F", bound=Callable[..., Any])

_FILTERS = ("--include", "--exclude")
_FILTER_ORDER = "cloudinary_cli.filter_order"


class TransferCommand(CldCommand):
    """A command with one ordered list of --include and --exclude. Click keeps the order only within each option."""

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        before = args[: args.index("--")] if "--" in args else args
        names = [word.partition("=")[0] for word in before]
        ctx.meta[_FILTER_ORDER] = [name[2:] for name in names if name in _FILTERS]
        return super().parse_args(ctx, args)


def ordered_filters(include: Tuple[str, ...], exclude: Tuple[str, ...]) -> Tuple[Tuple[str, str], ...]:
    """The patterns of both options in the order of the command line."""
    remaining = {"include": list(include), "exclude": list(exclude)}
    order = click.get_current_context().meta.get(_FILTER_ORDER, [])
    found = [(kind, remaining[kind].pop(0)) for kind in order if remaining[kind]]
    # Abbreviated options are not in `order`. Click has their values, but their order is unknown.
    return tuple(found + [(kind, pattern) for kind, rest in remaining.items() for pattern in rest])


def workers_option(command: F) -> F:
    """The option -w."""
    return click.option(
        "-w",
        "--concurrent_workers",
        "workers",
        type=click.IntRange(min=1),
        default=DEFAULT_WORKERS,
        show_default=True,
        help="The number of simultaneous requests.",
    )(command)


def run_options(command: F) -> F:
    """The options --dry-run, --max-errors, --report, --no-progress, --json and -w."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON on stdout."),
        click.option("--no-progress", is_flag=True, help="Draw no progress; print a line for each item."),
        click.option("--report", metavar="FILE", help="Write a JSON object for each item to FILE (JSON Lines)."),
        click.option(
            "--max-errors",
            type=click.IntRange(min=1),
            metavar="N",
            help="Stop after N failures. The other items are reported as not tried.",
        ),
        click.option("--dry-run", is_flag=True, help="Show what would be done. Nothing is changed or asked."),
        workers_option,
    ):
        command = decorate(command)
    return command


def selection_options(command: F) -> F:
    """The options --include, --exclude, --shard and --retry-failed, which select the items of a run."""
    for decorate in (
        click.option(
            "--retry-failed",
            metavar="FILE",
            help="Only the items that are not `ok` in FILE, the --report of an earlier run.",
        ),
        click.option(
            "--shard",
            metavar="I/N",
            help="Only the I-th of N parts. The runs 1/N to N/N together include all items.",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="GLOB",
            help="Exclude matching items; the first match decides.",
        ),
        click.option(
            "--include",
            multiple=True,
            metavar="GLOB",
            help="Include matching items; the first match decides. Without --exclude, all others are excluded.",
        ),
    ):
        command = decorate(command)
    return command


def upload_parameters(command: F) -> F:
    """The options -o and -O, which set options of each upload."""
    parsed_help = "Upload option; the value is read as JSON, a boolean, or text."
    command = click.option("-O", "--optional_parameter_parsed", "parsed", help=parsed_help, cls=NameValueOption)(
        command
    )
    return click.option("-o", "--optional_parameter", "strings", help="Upload option.", cls=NameValueOption)(command)


def take_options(options: Dict[str, Any]) -> TransferOptions:
    """Remove the shared options from a command's own and return them."""
    filters = ordered_filters(options.pop("include", ()), options.pop("exclude", ()))
    return TransferOptions(
        filters=filters,
        progress=not options.pop("no_progress", False),
        verbose=VERBOSITY in click.get_current_context().meta,
        **{
            name: options.pop(name)
            for name in ("workers", "dry_run", "shard", "retry_failed", "report", "max_delete", "as_json", "max_errors")
            if name in options
        },
    )
