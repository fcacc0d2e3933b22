"""The shared options of `cld agent signup` and `cld agent cloud create`, and the saving and printing of the result."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import click

from cloudinary_cli.agent import accounts, responses
from cloudinary_cli.agent.accounts import Created, SavePlan, SaveResult
from cloudinary_cli.command import option_group
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config.rules import DefaultStatus
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted
from cloudinary_cli.errors import URL_IS_NO_NAME
from cloudinary_cli.text import one_line


def _new_name(ctx: click.Context, param: click.Parameter, value: Optional[str]) -> Optional[str]:
    if value and "://" in value:
        raise click.BadParameter(URL_IS_NO_NAME, ctx, param)
    if value is not None and (not value or config_rules.is_reserved_config_name(value)):
        reason = f"'{one_line(value)}' is reserved (two underscores at both ends)." if value else "the name is empty."
        raise click.BadParameter(reason, ctx, param)
    return value


saving_options = option_group(
    click.option("--name", metavar="NAME", callback=_new_name, help="Save it as NAME (default: the cloud name)."),
    click.option("--set-default", is_flag=True, help="Make the saved configuration the default."),
    click.option("--no-save", is_flag=True, help="Do not save a configuration; print the API secret."),
    click.option("--show-secret", is_flag=True, help="Print the API secret even if it was saved."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the summary."),
)


def save_and_show(
    app: AppContext,
    created: Created,
    plan: SavePlan,
    as_json: bool,
    show: Callable[[AppContext, Created, bool], None],
    show_secret: bool,
) -> SaveResult:
    """Save the configuration and print the response.

    The response is printed even if saving fails or is interrupted, because it cannot be fetched again.

    :raises CliError: it could not be saved; raised after printing.
    """
    result = SaveResult()
    try:
        result = accounts.save(app.store, created, plan, app.environ)
    finally:
        visible = show_secret or not result.saved
        if as_json:
            app.console.json({**created.shown_response(visible), **_status(result)})
        else:
            show(app, created, visible)
    _report(app, result, as_json)
    return result


def _status(result: SaveResult) -> Dict[str, Any]:
    return {"saved": result.saved, "config_name": result.name, "default": result.default is not DefaultStatus.NO}


def _report(app: AppContext, result: SaveResult, as_json: bool) -> None:
    if result.taken is not None:
        app.console.warning(f"The name '{one_line(result.taken, None)}' is in use, so it was saved as '{result.name}'.")
    if result.overwrote:
        app.console.warning(f"The configuration that was saved as '{one_line(result.name or '')}' was overwritten.")
    if as_json or not result.saved:
        return
    name = one_line(result.name or "")
    app.console.info(f"Config '{name}' saved!")
    app.console.info(f"Example usage: cld -C {quoted(result.name or '')} <command>")
    if result.default is not DefaultStatus.NO:
        app.console.info(f"Default set to '{name}'.")


def show_summary(app: AppContext, created: Created, title: str, show_secret: bool) -> None:
    """Print a title and aligned rows on stdout."""
    rows = responses.summary_rows(created.response, created.environment, show_secret)
    app.console.data(in_color(app, title, "green"))
    app.console.table([(f"{label}:", value) for label, value in rows], " ")


def in_color(app: AppContext, text: str, color: str) -> str:
    """Color text for stdout if stdout shows colors."""
    return click.style(text, fg=color) if app.console.shows_color(app.console.stdout) else text


def guidance(created: Created) -> str:
    """The server's advice, escaped for a terminal."""
    return one_line(responses.text(created.response.get("guidance")), None)
