"""`cld agent cloud list` and `cld agent cloud claim`."""

from __future__ import annotations

from typing import Optional

import click

from cloudinary_cli.agent import claims
from cloudinary_cli.command import CldCommand, completion_of
from cloudinary_cli.config.inventory import inventory
from cloudinary_cli.config.inventory_table import render_config_table
from cloudinary_cli.config.resolver import Source
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import quoted
from cloudinary_cli.errors import ConfigError
from cloudinary_cli.text import one_line

_HINT = "Name it: cld agent cloud claim NAME"
_NONE = "No unclaimed cloud is saved. Create one: cld agent cloud create"


@click.command("list", cls=CldCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the claim URLs.")
@click.pass_obj
def list_clouds(app: AppContext, as_json: bool) -> bool:
    """List the saved Claimable Clouds and when they expire.

    \b
    cld agent cloud list --json
    """
    snapshot, now = app.store.load(), app.clock()
    rows = [
        row for row in inventory(snapshot, app.active, app.environ, now) if row.claim and row.source is Source.SAVED
    ]
    if as_json:
        found = claims.claimable_clouds(snapshot, now)
        urls = {one.name: one.claim_url for one in found if claims.is_safe_claim_url(one.claim_url)}
        app.console.json([{**row.as_json(), "claim_url": urls.get(row.name)} for row in rows])
    elif rows:
        app.console.data(render_config_table(rows, now, app.console.table_width()))
    else:
        app.console.info(_NONE)
    return True


@click.command("claim", cls=CldCommand)
@click.argument("name", required=False, shell_complete=completion_of("claimable_names"))
@click.option("--print", "--no-open", "print_it", is_flag=True, help="Print the claim URL instead of opening it.")
@click.option("--json", "as_json", is_flag=True, help="Print the claim URL as JSON instead of opening it.")
@click.option("--done", is_flag=True, help="Mark the cloud as claimed.")
@click.pass_obj
def claim(app: AppContext, name: Optional[str], print_it: bool, as_json: bool, done: bool) -> bool:
    """Open the claim page of the saved cloud NAME. The default is the only claimable cloud; if there are several, ask.

    If stdout is not a terminal, print the URL instead. A human claims the cloud on that page. This tool is not
    notified, so run the command again with --done afterwards.

    \b
    cld agent cloud claim scratch
    cld agent cloud claim scratch --print
    cld agent cloud claim scratch --done
    """
    if done and (print_it or as_json):
        raise click.UsageError("--done cannot be combined with --print or --json.")
    chosen = _choose(app, name)
    if chosen is None:
        app.console.info("Canceled.")
        return True
    shown = one_line(chosen.name)
    if done:
        claims.forget_claim(app.store, chosen.name)
        app.console.info(f"'{shown}' is no longer shown as an unclaimed cloud.")
        return True
    claims.check_claim_url(chosen.claim_url)
    if chosen.expired:
        app.console.warning(
            f"'{shown}' has expired ({one_line(chosen.expires_at or '')}); the claim page may refuse it."
        )
    if as_json:
        app.console.json(chosen.as_json())
    elif print_it:
        app.console.data(chosen.claim_url)
    elif open_claim_page(app, chosen.claim_url):
        app.console.info(f"After claiming it: cld agent cloud claim {quoted(chosen.name)} --done")
    return True


def open_claim_page(app: AppContext, url: str) -> bool:
    """Open the page if stdout is a terminal, or else print its URL on stdout and return False.

    :raises ConfigError: the URL is not safe to open.
    """
    claims.check_claim_url(url)
    if not app.console.stdout_is_terminal():
        app.console.data(url)
        return False
    app.console.notice(f"Opening the claim page: {url}")
    if not app.open_browser(url):
        app.console.warning("No browser could be opened. Open the URL yourself.")
    return True


def _choose(app: AppContext, name: Optional[str]) -> Optional[claims.ClaimableCloud]:
    """The cloud to claim; None if the user cancels.

    :raises CliError: there is none, or none was chosen.
    """
    snapshot, now = app.store.load(), app.clock()
    if name is not None:
        return claims.saved_cloud(snapshot, name, now)
    live = [found for found in claims.claimable_clouds(snapshot, now) if not found.expired]
    if not live:
        raise ConfigError(_NONE)
    if len(live) == 1:
        return live[0]
    names = [f"{one_line(found.name)} (cloud {one_line(found.cloud_name)})" for found in live]
    picked = app.console.pick("Unclaimed clouds:", names, _HINT)
    return None if picked is None else live[picked]
