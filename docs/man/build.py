"""Writes docs/man/cld.1, the man page, from the commands and from README.md's tables.

python docs/man/build.py           write the page
python docs/man/build.py --check   exit 1 when the page is not what the commands say
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import click

REPO = Path(__file__).resolve().parent.parent.parent
PAGE = REPO / "docs" / "man" / "cld.1"
sys.path.insert(0, str(REPO))

from cloudinary_cli.cli_group import COMMANDS, cli  # noqa: E402 - of this clone, whatever is installed
from cloudinary_cli.version import __version__  # noqa: E402


def text(words: str) -> str:
    """Prose as roff: nothing in it is an instruction."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())


def plain(markdown: str) -> str:
    """One table cell of Markdown without its markup."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "")


def option(param: click.Parameter) -> str:
    """`-x, --long VALUE` of one option, made here because Click's own form differs between its versions."""
    flags = ", ".join([*sorted(param.opts, key=len), *param.secondary_opts])
    if getattr(param, "is_flag", False) or getattr(param, "count", False):
        return flags
    kind = param.type
    value = "|".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else kind.name.upper()
    return f"{flags} {param.metavar or ' '.join([value] * max(1, param.nargs))}"


def argument(param: click.Parameter) -> str:
    name = re.sub(r"[][.]", "", param.metavar or param.name or "").upper()
    name += "..." if param.nargs == -1 else ""
    return name if param.required else f"[{name}]"


def options(command: click.Command, common: bool = False) -> Iterator[str]:
    for param in command.params:
        shared = {"-v", "--verbosity", "-h", "--help"} & set(param.opts)
        if isinstance(param, click.Option) and not param.hidden and (common or not shared):
            yield f".TP\n.B {text(option(param))}\n{text(param.help or '')}"


def section(name: str, command: click.Command) -> Iterator[str]:
    """One command, then those below it."""
    usage = [argument(param) for param in command.params if isinstance(param, click.Argument)]
    has_options = any(True for _ in options(command))
    own = command.options_metavar if command.options_metavar != "[OPTIONS]" else None  # cld exec: the whole line
    words = [
        *([own] if own else [*(["[OPTIONS]"] if has_options else []), *usage]),
        *(["COMMAND"] if isinstance(command, click.Group) else []),
    ]
    yield f".SS {text(' '.join(['cld', name, *words]))}"
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        # Click's mark of a paragraph whose lines stay as they are: examples.
        kept = paragraph.strip().startswith("\b")
        lines = [line.strip() for line in paragraph.replace("\b", "").strip().splitlines()]
        yield ".PP\n" + (".nf\n{}\n.fi" if kept else "{}").format(text("\n".join(lines) if kept else " ".join(lines)))
    yield from options(command)
    if isinstance(command, click.Group):
        for child in sorted(command.commands):
            yield from section(f"{name} {child}", command.commands[child])


def table(heading: str) -> List[Tuple[str, str]]:
    """The two columns of the table below a heading of README.md."""
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    part = readme.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return [(plain(row[0]), plain(row[1])) for row in rows[2:]]


def page() -> str:
    """The whole man page."""
    root = click.Context(cli, info_name="cld")
    lines = [
        '.\\" Made by docs/man/build.py; do not edit.',
        f'.TH CLD 1 "" "cloudinary\\-cli {text(__version__)}" "User Commands"',
        ".SH NAME\ncld \\- Cloudinary from the command line",
        ".SH SYNOPSIS\n.B cld\n[OPTIONS] COMMAND [ARGUMENT]...",
        ".SH DESCRIPTION",
        "\n.PP\n".join(text(" ".join(part.split())) for part in (cli.help or "").split("\n\n")),
        ".SH OPTIONS",
        *options(cli, common=True),
        f".TP\n.B {text('-h, --help')}\nShow the help of cld or of a command.",
        ".SH COMMANDS",
    ]
    for name in sorted(name for name, entry in COMMANDS.items() if not entry.hidden):
        command = cli.get_command(root, name)
        lines += section(name, command) if command is not None else ()
    for title, heading in (("EXIT STATUS", "Streams and exit codes"), ("ENVIRONMENT", "Environment")):
        lines.append(f".SH {title}")
        lines += [f".TP\n.B {text(left)}\n{text(right)}" for left, right in table(heading)]
    lines.append(f".SH FILES\n.TP\n.I {text('~/.cloudinary-cli/config.json')}\nSaved configurations and the default.")
    return "\n".join(line for line in lines if line) + "\n"


def main() -> int:
    made = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == made:
        return 0
    sys.stderr.write("docs/man/cld.1 is not what the commands say. Run: python docs/man/build.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
