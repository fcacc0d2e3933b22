"""`cld config`, `-ls`, `-s`: the inventory and the masked view of one configuration; nothing is refreshed."""

from __future__ import annotations

from cloudinary_cli import defaults
from cloudinary_cli.config import inventory as config_inventory
from cloudinary_cli.config import resolver as config_resolver
from cloudinary_cli.config import rules as config_rules
from cloudinary_cli.config import view as config_view
from cloudinary_cli.config.inventory_table import render_config_table, renewal_warning
from cloudinary_cli.config.resolver import ResolvedConfig, Selection
from cloudinary_cli.context import AppContext
from cloudinary_cli.core.config_options import ConfigOptions, unknown
from cloudinary_cli.errors import ConfigNotFound


def list_all(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -ls`."""
    if app.active.problem is not None:
        app.console.warning(app.active.problem.message)
    now = app.clock()
    rows = config_inventory.inventory(app.store.load(), app.active, app.environ, now, app.known_directory_choice)
    if options.json:
        app.console.json([row.as_json() for row in rows])
    else:
        width = app.console.table_width()
        app.console.data(render_config_table(rows, now, width) if rows else defaults.NO_CONFIG_MESSAGE)
    ends = {row.name: row.login.renewable_until or 0 for row in rows if row.login and row.login.ends_soon(now)}
    if ends:
        app.console.warning(renewal_warning(ends))
    return 0


def show_saved(app: AppContext, options: ConfigOptions) -> int:
    """`cld config -s`."""
    name, snapshot = options.show or "", app.store.load()
    try:
        chosen = config_resolver.resolve(Selection(config_saved=name), snapshot, {})
    except ConfigNotFound:
        raise unknown(name, "-s") from None
    if chosen.problem is not None:
        raise chosen.problem
    default = config_rules.stored_default(snapshot)
    row = config_inventory.saved_row(name, chosen.url, default, app.active, app.clock())
    return _show(app, options, row, chosen)


def show_active(app: AppContext, options: ConfigOptions) -> int:
    """`cld config` without an action."""
    active = app.active.require()
    default = config_rules.stored_default(app.store.load())
    return _show(app, options, config_inventory.active_row(active, default, app.clock()), active)


def _show(app: AppContext, options: ConfigOptions, row: config_inventory.ConfigRow, chosen: ResolvedConfig) -> int:
    # The SDK's default is shown, too.
    fields = {"signature_version": 2, **chosen.fields}
    if options.json:
        meta = row.meta()
        # The metadata comes first, and a query key of the same name must not replace it.
        app.console.json({**meta, **config_view.details(fields, app.clock()), **meta})
    else:
        app.console.data(f"{row.header()}\n\n{config_view.text(fields, app.clock())}")
    return 0
