"""`cld agent cloud` and `cld agent cloud create`; the other subcommands are in agent_claim.py."""

from __future__ import annotations

from typing import Optional, Tuple

import click

from cloudinary_cli.agent import accounts, claims
from cloudinary_cli.agent.accounts import Created, SavePlan
from cloudinary_cli.command import CldCommand, CldGroup
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.agent_claim import claim, list_clouds, open_claim_page
from cloudinary_cli.core.agent_options import guidance, in_color, save_and_show, saving_options, show_summary
from cloudinary_cli.core.config_options import quoted
from cloudinary_cli.text import one_line


@click.group("cloud", cls=CldGroup, short_help="Create and claim temporary clouds.")
def cloud() -> None:
    """Create, list and claim Claimable Clouds: temporary clouds that work immediately and that a human can keep.

    \b
    cld agent cloud create ann@example.com --name scratch
    cld agent cloud claim scratch
    """


cloud.add_command(claim)
cloud.add_command(list_clouds)


@cloud.command("create", cls=CldCommand)
@click.argument("email", required=False)
@click.option("--ip", "ips", multiple=True, metavar="IP", help="Also deliver to this IP address (repeatable).")
@click.option("--agent-framework", help="The framework of the agent.")
@click.option("--agent-llm-model", help="The language model of the agent.")
@click.option("--agent-goal", help="The goal of the agent.")
@click.option("--sdk-framework", help="The Cloudinary SDK that the agent will use.")
@saving_options
@click.option(
    "--claim",
    "open_page",
    is_flag=True,
    help="Also open the claim page (stdout is not a terminal: print its URL).",
)
@click.pass_obj
def create(
    app: AppContext,
    /,
    email: Optional[str],
    ips: Tuple[str, ...],
    name: Optional[str],
    set_default: bool,
    no_save: bool,
    show_secret: bool,
    as_json: bool,
    open_page: bool,
    **attribution: Optional[str],
) -> bool:
    """Create a Claimable Cloud and save it. EMAIL is only used to fill in the claim page.

    Media is delivered only to the caller's IP address ("requester_ip") and to each --ip. The cloud is disabled after
    about 24 hours unless it is claimed.

    \b
    cld agent cloud create ann@example.com --name scratch
    """
    if name and not no_save:
        accounts.check_new_name(app.store, name, may_overwrite=False)
    request = {"delivery_ips": list(ips), "email": (email or "").strip(), **attribution}
    created = accounts.create_cloud(request, app)
    result = save_and_show(app, created, SavePlan(name, set_default, not no_save), as_json, _show, show_secret)
    claim_url = created.parameters.get("claim_url", "")
    if not result.saved:
        app.console.warning("Not saved. Keep the credentials and the claim URL: they cannot be fetched again.")
    if open_page and claim_url:
        # With --json the document on stdout already has the URL.
        if not as_json or app.console.stdout_is_terminal():
            open_claim_page(app, claim_url)
    elif result.saved and not as_json:
        app.console.info(f"To keep this cloud, claim it: cld agent cloud claim {quoted(result.name or '')}")
    return True


def _show(app: AppContext, created: Created, show_secret: bool) -> None:
    show_summary(
        app, created, "Claimable Cloud created. It works now, and will be disabled unless it is claimed.", show_secret
    )
    shown = {"Expires at:": one_line(created.parameters.get("expires_at", ""), None)}
    if claims.is_safe_claim_url(created.parameters.get("claim_url", "")):
        shown["Claim URL: "] = created.parameters["claim_url"]
    for label, value in shown.items():
        if value:
            app.console.data(in_color(app, f"{label} {value}", "yellow"))
    note = "Media is delivered to the listed IP addresses only; the Upload and Admin APIs are not limited."
    app.console.data("\n".join(["", note, *filter(None, [guidance(created)])]))
