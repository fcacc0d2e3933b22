"""`cld config -d`, `-ud`, `--local`, `--unset-local`, `-rm`: the default, a directory's choice, and removal."""

from __future__ import annotations

from typing import Any, Tuple

from cloudinary_cli.config import directories
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import url as config_url
from cloudinary_cli.config.environment import environment_is_configured
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ConfigOptions, report, shown, unknown
from cloudinary_cli.errors import ConfigError, ConfigNotFound


def set_default(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -d`."""
    name = options.default or ""
    try:
        app.store.set_default(name)
    except ConfigNotFound:
        raise unknown(name, "-d") from None
    return report(app, options, name, "default_set", f"'{shown(name)}' is the default now.")


def unset_default(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -ud`."""
    if app.store.clear_default():
        return report(app, options, None, "default_unset", "The default is unset.")
    return report(app, options, None, "no_default", "No default was set.")


def set_local(app: AppContext, options: ConfigOptions) -> int:
    """`cld config --local`."""
    name = options.local or ""
    try:
        directory = directories.choose(app.store, name)
    except ConfigNotFound:
        raise unknown(name, "--local") from None
    return report(app, options, name, "local_set", f"'{shown(name)}' is used in {shown(directory)} and below it now.")


def unset_local(app: AppContext, options: ConfigOptions) -> int:
    """`cld config --unset-local`."""
    if directories.forget(app.store):
        return report(app, options, None, "local_unset", "This directory has no configuration of its own any more.")
    choice = app.directory_choice
    above = f" It uses the one of {shown(choice.directory)}: unset it there." if choice else ""
    return report(app, options, None, "no_local", f"This directory has no configuration of its own.{above}")


def remove(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -rm`: remove an entry; a login is revoked first."""
    name = options.rm or ""
    before = app.store.load()
    if name not in before or config_rules.is_reserved_config_name(name):
        raise unknown(name, "-rm")
    outcome, told = _removed(app, name, before[name])
    if config_rules.stored_default(before) == name:
        promoted = config_rules.stored_default(app.store.load_fresh())
        told += f" The default is now '{shown(promoted)}'." if promoted else " It was the default; none is set now."
    report(app, options, name, outcome, told)
    return 0 if outcome == "removed" else 1


def _removed(app: AppContext, name: str, entry: Any) -> Tuple[str, str]:
    """Remove the entry; returns the outcome and a sentence about it."""
    if not config_url.is_login(entry):
        if not app.store.remove_named(name, environment_is_configured(app.environ)):
            raise unknown(name, "-rm")
        return "removed", f"Config '{shown(name)}' deleted."
    from cloudinary_cli.auth.use_cases import LogoutOutcome, logout

    outcome = logout(app.store, name, app.environ, forget=True)
    if outcome not in (LogoutOutcome.REMOVED, LogoutOutcome.REVOKE_FAILED):
        raise ConfigError(f"'{shown(name)}' was changed by another command at the same time. Try again.")
    how = "revoked and deleted" if outcome is LogoutOutcome.REMOVED else "deleted here, but not revoked"
    return outcome.value, f"Login '{shown(name)}' {how}."
