"""`cld config -r` and `-ra`: refresh the tokens of saved logins and show the outcomes."""

from __future__ import annotations

from typing import Any, Mapping

import click

from cloudinary_cli.config.resolver import Source
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ACTIVE, ConfigOptions, report, shown, unknown


def refresh(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -r`."""
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome
    from cloudinary_cli.auth.use_cases import refresh_login, relogin_command

    name = _name_to_refresh(app, options)
    result = refresh_login(app.store, name, options.force, app.clock)
    if result.outcome is RefreshOutcome.NOT_FOUND and result.error is None:
        raise unknown(name, "-r")
    told = {
        RefreshOutcome.NOT_OAUTH: f"'{shown(name)}' uses an API key: there is nothing to refresh.",
        RefreshOutcome.FRESH: f"The token of '{shown(name)}' is still fresh. Add --force to refresh it all the same.",
        RefreshOutcome.REFRESHED: f"The token of '{shown(name)}' was refreshed.",
    }
    if result.error is None and result.outcome in told:
        return report(app, options, name, result.outcome.value, told[result.outcome])
    # Also for new tokens that could not be saved: they are lost when this command ends.
    report(app, options, name, RefreshOutcome.FAILED.value, "")
    command = relogin_command(app.store, name)
    reason = str(result.error or f"The token of '{shown(name)}' was not refreshed.")
    app.console.error(reason if command in reason else f"{reason} If this persists, run: {command}")
    return 1


def _name_to_refresh(app: AppContext, options: ConfigOptions) -> str:
    if options.refresh != ACTIVE:
        return options.refresh or ""
    if app.active.source is not Source.SAVED or app.active.name is None:
        raise click.UsageError("No saved configuration is active. Name one: cld config -r NAME")
    return app.active.name


def refresh_all(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -ra`: exit status 1 when one of the logins failed."""
    from cloudinary_cli.auth import use_cases
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome

    outcomes = use_cases.refresh_all(app.store, options.force, app.clock)
    if options.json:
        app.console.json([{"name": name, "outcome": outcome.value} for name, outcome in outcomes.items()])
    else:
        _tell(app, outcomes)
    failed = [name for name, outcome in outcomes.items() if outcome is RefreshOutcome.FAILED]
    if failed:
        commands = "; ".join(use_cases.relogin_command(app.store, name) for name in failed)
        app.console.error(f"{len(failed)} of {len(outcomes)} not refreshed. Try again, or log in again: {commands}")
    return 1 if failed else 0


def _tell(app: AppContext, outcomes: Mapping[str, Any]) -> None:
    if not outcomes:
        app.console.info("No login is saved. Log in with: cld login")
    for name, outcome in outcomes.items():
        hint = " (--force refreshes it all the same)" if outcome.value == "fresh" else ""
        app.console.info(f"{shown(name)}: {outcome.value.replace('_', ' ')}{hint}")
