"""The options that select the items of a bulk command, and a command class that keeps the order of two of them."""

from __future__ import annotations

from typing import Any, Callable, List, Tuple, TypeVar

import click

from cloudinary_cli.command import CldCommand, completion_of, option_group

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


def file_option(name: str, help: str) -> Callable[[F], F]:
    """An option whose value is a path."""
    return click.option(name, metavar="FILE", shell_complete=completion_of("files"), help=help)


# For commands whose items are files of a local folder.
files_from_option = file_option(
    "--files-from", "Only the files that FILE lists (- for stdin): a relative path on each line."
)
# Replaces the listing of a command.
items_option = file_option(
    "--items", "Do what FILE says, without a listing: the --report of a --dry-run. - reads stdin."
)
filter_options = option_group(
    click.option(
        "--include",
        multiple=True,
        metavar="GLOB",
        help="Include matching items; the first match decides. Without --exclude, all others are excluded.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="GLOB",
        help="Exclude matching items; the first match decides.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        help="Only the I-th of N parts. The runs 1/N to N/N together include all items. `auto` reads I and N from"
        " the variables of a job scheduler.",
    ),
)
# Which items of a run are meant.
selection_options = option_group(
    filter_options,
    file_option("--retry-failed", "Only the items that are not `ok` in FILE, the --report of an earlier run."),
)
