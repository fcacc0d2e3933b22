"""The Click classes of all commands: -h, -v after the command name too, and a check of -c/-C before the body."""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import Any, Callable, Collection, Dict, Iterator, List, Optional, TypeVar

import click

from cloudinary_cli.console import LEVELS, set_level

C = TypeVar("C")


def _same_name(token: str) -> str:
    return token.replace("-", "_")


# Half of the interface's long options have dashes and half have underscores; nobody should have to know which.
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "token_normalize_func": _same_name}


def set_verbosity(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Click callback of -v: takes effect at once, so that option errors of the command obey it."""
    if value:
        set_level(str(value))


def verbosity_option(taken: Collection[str] = ()) -> click.Option:
    """`-v LVL`, valid before and after the command name; without the names that a command has given away."""
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
    """Give a usage error the context whose usage line is shown with it; Click's parser leaves it out of some."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise


def completion_of(kind: str) -> Callable[[click.Context, click.Parameter, str], List[Any]]:
    """A shell_complete callback: the function `kind` of completion.py, loaded when somebody presses the Tab key."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[Any]:
        completion = importlib.import_module("cloudinary_cli.completion")
        found: List[Any] = getattr(completion, kind)(ctx, param, incomplete)
        return found

    return complete


class NonEmptyText(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Text with something in it. An empty argument comes from an unset shell variable, and may stand for everything."""

    name = "text"

    def __init__(self, advice: str = "Is a shell variable unset?") -> None:
        self._advice = advice

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Any:
        if not str(value).strip():
            name = param.human_readable_name if param is not None else "text"
            raise click.UsageError(f"The argument {name} is empty. {self._advice}", ctx)
        return value


class NameValueOption(click.Option):
    """A repeatable option with two values, which may also be written as one word: `-o NAME VALUE`, `-o NAME=VALUE`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"nargs": 2, "multiple": True, "metavar": "NAME VALUE", **kwargs})


def option_arity(command: click.Command, ctx: click.Context) -> Dict[str, int]:
    """How many values each option of the command takes."""
    from cloudinary_cli.api.command_line import arity_of

    options = [option for option in command.get_params(ctx) if isinstance(option, click.Option)]
    return arity_of(
        (name, 0 if option.is_flag or option.count else option.nargs) for option in options for name in option.opts
    )


class CldCommand(click.Command):
    """A leaf command. Its body runs after the selection was checked; `--help` runs before anything is read."""

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
        # Deferred: `--help` and `--version` never come here.
        from cloudinary_cli.config.legacy import migrate_old_config
        from cloudinary_cli.context import AppContext

        app = ctx.obj
        if isinstance(app, AppContext):
            migrate_old_config(app.store)
            with usage_of(ctx):
                app.check_selection()
        return super().invoke(ctx)


class CldGroup(click.Group):
    """A group of CldCommands. Without a sub-command it shows its help and fails, as Click does."""

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
    """Mark a command as one that needs no configuration (kept for old import paths; the body decides now)."""
    setattr(command, "config_optional", True)  # noqa: B010 - any object that can carry a mark
    return command
