"""`cld agent` and `cld agent signup`."""

from __future__ import annotations

from typing import Optional

import click

from cloudinary_cli.agent import accounts
from cloudinary_cli.agent.accounts import Created, SavePlan
from cloudinary_cli.command import CldCommand, CldGroup
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.agent_cloud import cloud
from cloudinary_cli.core.agent_options import guidance, save_and_show, saving_options, show_summary
from cloudinary_cli.core.config_options import quoted, shown
from cloudinary_cli.errors import ConfigError


@click.group("agent", cls=CldGroup)
def agent() -> None:
    """Create Cloudinary accounts and clouds, for AI agents that act for a human. No configuration is needed.

    \b
    cld agent cloud create
    cld agent signup ann@example.com langchain claude "resize product images"
    """


agent.add_command(cloud)


@agent.command("signup", cls=CldCommand, short_help="Create a free account.")
@click.argument("email")
@click.argument("agent_framework")
@click.argument("agent_llm_model")
@click.argument("agent_goal")
@click.option("--sdk-framework", help="The Cloudinary SDK that the agent will use.")
@saving_options
@click.pass_obj
def signup(
    app: AppContext,
    /,
    email: str,
    name: Optional[str],
    set_default: bool,
    no_save: bool,
    show_secret: bool,
    as_json: bool,
    **attribution: Optional[str],
) -> bool:
    """Create a free account for EMAIL. Its credentials do not work until the owner confirms the address by mail.

    The API secret is saved and shown masked. With --json, "saved" tells whether it was saved. If saving fails, the
    exit status is 1.

    \b
    cld agent signup ann@example.com langchain claude "resize product images"
    """
    email = email.strip()
    if not email:
        raise click.UsageError("EMAIL is empty. Give the address of the human who will own the account.")
    existing = accounts.find_email(app.store.load(), email)
    if existing is not None:
        raise ConfigError(
            f"'{shown(existing)}' is already saved with this e-mail. Use it: cld -C {quoted(existing)} <command>"
        )
    if name and not no_save:
        accounts.check_new_name(app.store, name, may_overwrite=True)
    created = accounts.create_account({"email": email, **attribution}, app)
    plan = SavePlan(name, set_default, not no_save, may_overwrite=bool(name))
    save_and_show(app, created, plan, as_json, _show, show_secret)
    app.console.info(f"The credentials work after {email} is confirmed with the mail that was sent to it.")
    return True


def _show(app: AppContext, created: Created, show_secret: bool) -> None:
    show_summary(app, created, "Cloudinary account created.", show_secret)
    if guidance(created):
        app.console.data(f"\n{guidance(created)}")
