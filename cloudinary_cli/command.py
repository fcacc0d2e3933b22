"""The Click classes of all commands: `-h`, and `-v`, `-c` and `-C` after the command name."""

from __future__ import annotations

import importlib
import shutil
from contextlib import contextmanager
from typing import Any, Callable, Collection, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar

import click

from cloudinary_cli.logs import LEVELS, set_level
from cloudinary_cli.text import did_you_mean

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])

_NARROWEST = 20
_WIDE = 60  # columns; in fewer, the names of options leave less room to their descriptions

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


def _hide_progress(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and ctx.obj is not None:
        ctx.obj.console.draws_progress = False


def progress_option(help: str = "Draw no progress.") -> Callable[[F], F]:
    """The option --no-progress."""
    return click.option("--no-progress", is_flag=True, expose_value=False, callback=_hide_progress, help=help)


def option_group(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Return one decorator for several options and arguments, in the order of the help."""

    def decorate(command: F) -> F:
        for each in reversed(decorators):
            command = each(command)
        return command

    return decorate


def selection_options(taken: Collection[str] = ()) -> List[click.Option]:
    """Return `-c` and `-C`, as after a command, without the names that the command uses for other options."""
    wanted = {
        "selected_url": (("-c", "--config"), None),
        "selected_name": (("-C", "--config_saved"), completion_of("config_names")),
    }
    return [
        click.Option([name, *(word for word in words if word not in taken)], hidden=True, shell_complete=complete)
        for name, (words, complete) in wanted.items()
        if not set(words) <= set(taken)
    ]


class CldHelpFormatter(click.HelpFormatter):
    """Click's formatter, which also fits a terminal of fewer than 52 columns; Click's own lines would be wrapped."""

    def __init__(self, indent_increment: int = 2, width: Optional[int] = None, max_width: Optional[int] = None) -> None:
        if width is None:
            width = max(_NARROWEST, min(shutil.get_terminal_size().columns, max_width or 80) - 2)
        super().__init__(indent_increment, width, max_width)

    def write_dl(self, rows: Iterable[Tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl(list(rows), col_max if self.width >= _WIDE else self.width // 3, col_spacing)


class CldContext(click.Context):
    """A context whose help fits narrow terminals."""

    formatter_class = CldHelpFormatter


class UnknownCommand(click.UsageError):
    """No command and no API method has this name. `hint` says what to type instead and is shown on its own line."""

    def __init__(self, name: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f'No such command "{name}".', ctx)
        self.hint = hint


def _select(ctx: click.Context) -> None:
    """Use the configuration that selection_options() has read after the command's name."""
    url, name = ctx.params.pop("selected_url", None), ctx.params.pop("selected_name", None)
    if url is None and name is None:
        return
    from dataclasses import replace

    from cloudinary_cli.context import AppContext

    if not isinstance(ctx.obj, AppContext):
        return
    before = ctx.obj.selection
    given = before._replace(
        config=before.config if url is None else url, config_saved=before.config_saved if name is None else name
    )
    ctx.obj = replace(ctx.obj, selection=given)
    ctx.call_on_close(ctx.obj.close)
    ctx.obj.check_selection()


def _is_hidden(param: click.Parameter) -> bool:
    return bool(getattr(param, "hidden", False))


@contextmanager
def usage_of(ctx: click.Context) -> Iterator[None]:
    """Attach the context to usage errors that Click's parser raises without one, so that the usage line is shown."""
    try:
        yield
    except click.NoSuchOption as error:
        # Click suggests normalized names, and the documented ones may have dashes.
        documented = [name for param in ctx.command.get_params(ctx) if not _is_hidden(param) for name in param.opts]
        hint = did_you_mean(error.option_name, [name for name in documented if name.startswith("--")])
        problem = click.UsageError(f"{error.message.rstrip('.')}. {hint}".rstrip(), error.ctx or ctx)
        raise problem from None
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

    context_class = CldContext

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT_SETTINGS, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        taken = {name for param in self.params for name in param.opts}
        self.params.append(verbosity_option(taken))
        self.params.extend(selection_options(taken))

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        if any(isinstance(param, NameValueOption) for param in self.params):
            from cloudinary_cli.api.command_line import split_pairs

            args = split_pairs(args, option_arity(self, ctx))
        with usage_of(ctx):
            rest = super().parse_args(ctx, args)
            _select(ctx)
        return rest

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
    context_class = CldContext

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT_SETTINGS, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        taken = {name for param in self.params for name in param.opts}
        self.params.append(verbosity_option(taken))
        self.params.extend(selection_options(taken))

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        with usage_of(ctx):
            rest = super().parse_args(ctx, args)
            _select(ctx)
        return rest

    def list_commands(self, ctx: click.Context) -> List[str]:
        return sorted(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: List[str]
    ) -> Tuple[Optional[str], Optional[click.Command], List[str]]:
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        hint = did_you_mean(name, self.list_commands(ctx)) or f"See the commands with: {ctx.command_path} --help"
        raise UnknownCommand(name, hint, ctx)


def config_optional(command: C) -> C:
    """Mark a command that needs no configuration. Nothing reads the mark; the name is kept for old import paths."""
    setattr(command, "config_optional", True)  # noqa: B010 - the type of the object is not known
    return command
