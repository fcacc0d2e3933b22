"""Hooks of MkDocs: pages from the top-level directory, links between them, and the command reference."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any, Iterator

import click
from mkdocs.structure.files import File, Files

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO), str(REPO / "docs")]

from man.build import argument, option  # noqa: E402 - docs/man/build.py

from cloudinary_cli.cli_group import COMMANDS, cli  # noqa: E402 - of this clone, whatever is installed

# Files of the top-level directory, and their names in the site.
TOP_LEVEL = {
    "README.md": "index.md",
    "AGENTS.md": "agents.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "vulnerabilities.md",  # docs/security.md has the other name
}
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)")
_CODE_OR_MARKUP = re.compile(r"(`[^`]*`)|([*_\[\]])|(<)")


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pages that are not files of the docs directory."""
    for name, page in TOP_LEVEL.items():
        files.append(File.generated(config, page, content=(REPO / name).read_text(encoding="utf-8")))
    files.append(File.generated(config, "reference.md", content="\n\n".join(reference()) + "\n"))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Point links to files of the repository at their pages, or at the repository if they have none."""
    sources = {site: name for name, site in TOP_LEVEL.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def new_target(match: "re.Match[str]") -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        if path in TOP_LEVEL:
            return f"]({TOP_LEVEL[path]}"
        if path.startswith("docs/") and files.get_file_from_path(path[len("docs/") :]):
            return f"]({path[len('docs/') :]}"
        return f"]({config.repo_url}/blob/HEAD/{path}" if (REPO / path).exists() else match[0]

    return _LINK.sub(new_target, markdown)


# -- the command reference


def reference() -> Iterator[str]:
    """The page as Markdown blocks."""
    yield "# Command reference"
    yield "Generated from the commands, so it has the same text as `cld COMMAND --help`."
    yield from options_of(cli)
    root = click.Context(cli, info_name="cld")
    for name in sorted(name for name, entry in COMMANDS.items() if not entry.hidden):
        command = cli.get_command(root, name)
        if command is not None:
            yield from section(f"cld {name}", command, 2)


def section(name: str, command: click.Command, level: int) -> Iterator[str]:
    """One command, then its subcommands."""
    yield f"{'#' * level} {name}"
    arguments = [argument(param) for param in command.params if isinstance(param, click.Argument)]
    subcommand = ["COMMAND"] if isinstance(command, click.Group) else []
    yield f"```text\n{' '.join([name, '[OPTIONS]', *arguments, *subcommand])}\n```"
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        yield from paragraph_of(paragraph)
    yield from options_of(command)
    if isinstance(command, click.Group):
        for child in sorted(command.commands):
            yield from section(f"{name} {child}", command.commands[child], level + 1)


def paragraph_of(text: str) -> Iterator[str]:
    """A paragraph of a help text. Click keeps the lines of one that begins with \\b: an example."""
    lines = [line.strip() for line in text.replace("\b", "").strip().splitlines()]
    yield "\n".join(["```text", *lines, "```"]) if text.strip().startswith("\b") else escaped(" ".join(lines))


def options_of(command: click.Command) -> Iterator[str]:
    """A list of the options, without those that every command has."""
    shown = [
        f"* `{option(param)}`" + (f": {escaped(param.help)}" if param.help else "")
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden and not {"--verbosity", "--help"} & set(param.opts)
    ]
    if shown:
        yield "\n".join(shown)


def escaped(text: str) -> str:
    """Plain text as Markdown; code in backticks stays."""
    return _CODE_OR_MARKUP.sub(lambda match: match[1] or (f"\\{match[2]}" if match[2] else "&lt;"), text)
