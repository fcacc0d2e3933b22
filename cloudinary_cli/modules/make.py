"""`cld make`. The templates are found and rendered in snippets.py."""

from __future__ import annotations

import os
from typing import Dict, List, Optional, Tuple

import click

from cloudinary_cli.command import CldCommand
from cloudinary_cli.context import AppContext
from cloudinary_cli.errors import CliError
from cloudinary_cli.snippets import Catalog, Template
from cloudinary_cli.system.result_file import output_file

# The fields of a configuration that a snippet may contain: no secrets.
PUBLIC_FIELDS = ("api_key", "cloud_name", "cname", "secure_distribution")


class _Values(Dict[str, str]):
    """The values of the placeholders. The configuration is read on first access, because lists do not need it."""

    def __init__(self, app: AppContext) -> None:
        super().__init__(dict.fromkeys(PUBLIC_FIELDS, ""))
        self._app = app

    def __getitem__(self, name: str) -> str:
        active = self._app.active
        if not active.cloud_name:
            active.require()
        return str(active.fields.get(name) or "")


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> List[str]:
    catalog = Catalog.of_user(os.environ)
    typed = catalog.wanted(ctx.params.get("template") or ())
    names = [template.name for template in catalog.templates(typed.language)] if not typed.name else []
    return [name for name in sorted({*names, *catalog.languages()}) if name.startswith(incomplete.lower())]


@click.command("make", cls=CldCommand)
@click.argument("template", nargs=-1, shell_complete=_complete)
@click.option("-ll", "--list-languages", is_flag=True, help="List the languages.")
@click.option("-lt", "--list-templates", is_flag=True, help="List the templates of a language (default: html).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list, or the snippet with its name.")
@click.option("--output", metavar="FILE", help="Write the snippet to FILE instead of printing it.")
@click.option("-F", "--force", is_flag=True, help="With --output: replace FILE.")
@click.pass_context
def make(
    ctx: click.Context,
    template: Tuple[str, ...],
    list_languages: bool,
    list_templates: bool,
    as_json: bool,
    output: Optional[str],
    force: bool,
) -> bool:
    """Print a code snippet for the active configuration.

    TEMPLATE is a name and a language (html, node, python, ruby; default: html), in either order. A snippet never
    contains secrets; if it needs them, it reads CLOUDINARY_URL. You can add your own templates in
    ~/.cloudinary-cli/templates/LANGUAGE/. In a template, {{ cloud_name }} is replaced by a quoted literal.

    \b
    cld make upload widget
    cld make python find all empty folders --output folders.py
    """
    if (output is not None or force) and (list_languages or list_templates):
        raise click.UsageError("--output and -F work with a snippet, not with a list.", ctx)
    if output is not None and as_json:
        raise click.UsageError("--json and --output cannot be combined.", ctx)
    if not template and (output is not None or force):
        raise click.UsageError("Name the template: cld make upload widget --output FILE", ctx)
    app: AppContext = ctx.obj
    catalog = Catalog.of_user(app.environ)
    wanted = catalog.wanted(template)
    if list_languages:
        _show_list(app, "Available languages", catalog.languages(), as_json)
    elif list_templates or (template and not wanted.name):
        title = f"Available templates for language: {wanted.language}"
        _show_list(app, title, [found.title for found in catalog.listed(wanted.language)], as_json)
    elif not template:
        app.console.data(ctx.get_help())
    elif as_json:
        found = catalog.find(wanted)
        text = catalog.render(found, _Values(app))
        app.console.json({"language": found.language, "name": found.name, "snippet": text})
    else:
        _deliver(app, catalog, catalog.find(wanted), output, force)
    return True


def _show_list(app: AppContext, title: str, names: List[str], as_json: bool) -> None:
    if as_json:
        app.console.json(names)
    else:
        app.console.data_lines(title, *names)


def _deliver(app: AppContext, catalog: Catalog, template: Template, output: Optional[str], force: bool) -> None:
    """Render the template to stdout or to a file.

    :raises CliError: the file exists or cannot be written.
    :raises ConfigError: the template needs a configuration, and there is none.
    """
    if output is not None and not force and os.path.lexists(output) and not os.path.isdir(output):
        raise CliError(f"{output} exists already. Add -F to replace it, or choose another name.")
    text = catalog.render(template, _Values(app))
    if output is None:
        app.console.data(text)
        return
    with output_file(output, "--output") as save:
        save(text + "\n")
    app.console.info(f"Written to {output}.")
