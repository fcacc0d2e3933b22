"""The options of `cld config`, and the output of outcomes and names that its actions share."""

# Annotations are evaluated here: NamedTuple compiles each one that is a text, 0.7 ms for a class, in every command.

from typing import NamedTuple, Optional, Tuple

import click

from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import URL_IS_NO_NAME
from cloudinary_cli.text import did_you_mean, one_line

# The value of `-r` without a name. It cannot be given: no argument of a process can contain a NUL.
ACTIVE = "\0"


class ConfigOptions(NamedTuple):
    """The options of `cld config`; None and False mean not given."""

    new: Optional[Tuple[str, str]] = None
    from_url: Optional[str] = None
    set_default: bool = False
    default: Optional[str] = None
    unset_default: bool = False
    local: Optional[str] = None
    unset_local: bool = False
    rm: Optional[str] = None
    ls: bool = False
    show: Optional[str] = None
    json: bool = False
    refresh: Optional[str] = None
    refresh_all: bool = False
    force: bool = False


def report(app: AppContext, options: ConfigOptions, name: Optional[str], outcome: str, told: str) -> int:
    """Show the outcome of an action: JSON on stdout, or a sentence on stderr. Returns exit status 0."""
    if options.json:
        app.console.json({"name": name, "outcome": outcome})
    elif told:
        app.console.info(told)
    return 0


def unknown(name: str, label: str) -> click.BadParameter:
    """The error for a name that is not saved."""
    if "://" in name:
        return click.BadParameter(URL_IS_NO_NAME, param_hint=label)
    saved = config_rules.user_config_names(click.get_current_context().obj.store.load())
    hint = did_you_mean(name, saved) or "See: cld config -ls"
    return click.BadParameter(f"no saved configuration is named '{shown(name)}'. {hint}", param_hint=label)


def shown(name: Optional[str]) -> str:
    """A name as a part of one line, with its control characters escaped."""
    return one_line(name or "", None)


def quoted(name: str) -> str:
    """The name as an argument for a shell, with its control characters escaped."""
    import shlex

    return shlex.quote(shown(name))
