"""`cld config -r` and `-ra`: refresh the tokens of saved logins and show the outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, Mapping, Optional

import click

from cloudinary_cli.config.login_state import State, saved_login_state
from cloudinary_cli.config.resolver import Source
from cloudinary_cli.config.url import try_parse
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ACTIVE, ConfigOptions, quoted, shown, unknown
from cloudinary_cli.errors import DetailedExit, OAuthError
from cloudinary_cli.text import redact

if TYPE_CHECKING:
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome, RefreshResult


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
    # New tokens that could not be saved are a failure, too: they are lost when this command ends.
    outcome = result.outcome if result.error is None and result.outcome in told else RefreshOutcome.FAILED
    if options.json:
        app.console.json(_row(app, name, result, outcome))
    elif outcome in told:
        app.console.info(told[outcome])
    if outcome in told:
        return 0
    command = relogin_command(app.store, name)
    reason = str(result.error or f"The token of '{shown(name)}' was not refreshed.")
    is_advised = command in reason or try_parse(result.url) is None  # a login does not replace such an entry
    app.console.error(reason if is_advised else f"{reason} If this persists, run: {command}")
    return _status([result])


def _name_to_refresh(app: AppContext, options: ConfigOptions) -> str:
    if options.refresh != ACTIVE:
        return options.refresh or ""
    if app.active.source is not Source.SAVED or app.active.name is None:
        raise click.UsageError("No saved configuration is active. Name one: cld config -r NAME")
    return app.active.name


def refresh_all(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -ra`: exit status 1, or a detailed one, when one of the logins failed."""
    from cloudinary_cli.auth import use_cases
    from cloudinary_cli.auth.refresh_rules import RefreshOutcome

    results = use_cases.refresh_all(app.store, options.force, app.clock)
    outcomes = {name: use_cases.outcome_of(result) for name, result in results.items()}
    failed = {name: results[name] for name, outcome in outcomes.items() if outcome is RefreshOutcome.FAILED}
    if options.json:
        app.console.json([_row(app, name, result, outcomes[name]) for name, result in results.items()])
    else:
        _tell(app, results, outcomes)
    if not failed:
        return 0
    relogin = [_next_command(app, name, result) or "" for name, result in failed.items() if result.needs_login]
    advice = [f"Log in again: {'; '.join(relogin)}."] if relogin else []
    advice += ["Try again later."] if any(result.is_retryable for result in failed.values()) else []
    app.console.error(" ".join([f"{len(failed)} of {len(results)} not refreshed.", *advice]))
    return _status(failed.values())


def _next_command(app: AppContext, name: str, result: RefreshResult) -> Optional[str]:
    """The command that helps; None when nothing but the error's own advice does."""
    from cloudinary_cli.auth.use_cases import relogin_command

    if result.is_retryable:
        return f"cld config -r {quoted(name)}"
    return shown(relogin_command(app.store, name)) if isinstance(result.error, OAuthError) else None


def _row(app: AppContext, name: str, result: RefreshResult, outcome: RefreshOutcome) -> Dict[str, Any]:
    """The object of one configuration in `--json`, without secrets."""
    is_login, error = outcome.value != "not_oauth", result.error
    parsed = try_parse(result.url) if is_login else None
    login = saved_login_state(parsed.fields(), app.clock()) if parsed else None
    state = State.NEEDS_LOGIN if result.needs_login else login and login.state
    return {
        "name": name,
        "outcome": outcome.value,
        "reason": redact(str(error)) if error else None,
        "code": int(_status([result])) if error else None,
        "retryable": result.is_retryable if error else None,
        "state": state.value if state else None,
        "expires_at": login.expires_at if login else None,
        "next_command": _next_command(app, name, result) if outcome.value == "failed" else None,
    }


def _status(failed: Iterable[RefreshResult]) -> int:
    """A refused login is the failure that does not end by itself, so its detailed status comes first."""
    codes = [result.error.detailed_exit_code for result in failed if result.error is not None]
    return DetailedExit(min(codes, key=lambda code: code != DetailedExit.AUTHENTICATION, default=DetailedExit.FAILURE))


def _tell(app: AppContext, results: Mapping[str, RefreshResult], outcomes: Mapping[str, Any]) -> None:
    if not outcomes:
        app.console.info("No login is saved. Log in with: cld login")
    for name, outcome in outcomes.items():
        hint = " (--force refreshes it all the same)" if outcome.value == "fresh" else ""
        told = "needs login" if results[name].needs_login else outcome.value.replace("_", " ")
        app.console.info(f"{shown(name)}: {told}{hint}")
