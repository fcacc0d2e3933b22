"""The Click classes of all commands: `-h`, `-v` after the command name, and the check of `-c` and `-C`."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import Any, Callable, Collection, Dict, Iterator, List, Optional, TypeVar

import click

from cloudinary_cli.console import LEVELS, set_level

C = TypeVar("C")

# The key of the value of -v in ctx.meta, which Click shares between a group and its commands.
VERBOSITY = "cloudinary_cli.verbosity"


def _same_name(token: str) -> str:
    return token.replace("-", "_")


# Some long options are documented with dashes and some with underscores; both spellings work for all of them.
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "token_normalize_func": _same_name}


def set_verbosity(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Click callback of `-v`. It takes effect immediately, so it also applies to errors in later options."""
    if value:
        set_level(str(value))
        ctx.meta[VERBOSITY] = value


def verbosity_option(taken: Collection[str] = ()) -> click.Option:
    """Return the `-v LVL` option, without the names that the command uses for another option."""
    return click.Option(
        [name for name in ("-v", "--verbosity") if name not in taken],
        type=click.Choice(LEVELS, case_sensitive=False),
        expose_value=False,
        callback=set_verbosity,
        metavar="LVL",
        help="Either CRITICAL, ERROR, WARNING, INFO or DEBUG.",
    )


@contextmanager
def usage_of(ctx: click.Context) -> Iterator[None]:
    """Attach the context to usage errors that Click's parser raises without one, so that the usage line is shown."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise


def completion_of(kind: str) -> Callable[[click.Context, click.Parameter, str], List[Any]]:
    """Return a shell_complete callback that calls the function `kind` of completion.py, imported on first use."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[Any]:
        completion = importlib.import_module("cloudinary_cli.completion")
        found: List[Any] = getattr(completion, kind)(ctx, param, incomplete)
        return found

    return complete


class NonEmptyText(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Non-blank text. An empty argument usually comes from an unset shell variable, and could match every asset."""

    name = "text"

    def __init__(self, advice: str = "Is a shell variable unset?") -> None:
        self._advice = advice

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        if not str(value).strip():
            name = param.human_readable_name if param is not None else "text"
            raise click.UsageError(f"The argument {name} is empty. {self._advice}", ctx)
        return value


class NameValueOption(click.Option):
    """A repeatable option with two values, also accepted as one word: `-o NAME VALUE` or `-o NAME=VALUE`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"nargs": 2, "multiple": True, "metavar": "NAME VALUE", **kwargs})


def option_arity(command: click.Command, ctx: click.Context) -> Dict[str, int]:
    """Return the number of values of each option of the command."""
    from cloudinary_cli.api.command_line import arity_of

    options = [option for option in command.get_params(ctx) if isinstance(option, click.Option)]
    return arity_of(
        (name, 0 if option.is_flag or option.count else option.nargs) for option in options for name in option.opts
    )


class CldCommand(click.Command):
    """A command. `-c` and `-C` are checked before it runs; `--help` works without reading any file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT_SETTINGS, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        taken = {name for param in self.params for name in param.opts}
        self.params.append(verbosity_option(taken))

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        if any(isinstance(param, NameValueOption) for param in self.params):
            from cloudinary_cli.api.command_line import split_pairs

            args = split_pairs(args, option_arity(self, ctx))
        with usage_of(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        # Deferred: `--help` and `--version` do not reach this point.
        from cloudinary_cli.config.legacy import migrate_old_config
        from cloudinary_cli.context import AppContext

        app = ctx.obj
        if isinstance(app, AppContext):
            migrate_old_config(app.store)
            with usage_of(ctx):
                app.check_selection()
        return super().invoke(ctx)


class CldGroup(click.Group):
    """A group of CldCommands. Without a subcommand it shows its help and fails, which is Click's default."""

    command_class = CldCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT_SETTINGS, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        with usage_of(ctx):
            return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> List[str]:
        return sorted(self.commands)


def config_optional(command: C) -> C:
    """Mark a command that needs no configuration. Nothing reads the mark; the name is kept for old import paths."""
    setattr(command, "config_optional", True)  # noqa: B010 - the type of the object is not known
    return command
