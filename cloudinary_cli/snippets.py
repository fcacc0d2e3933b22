"""Finds and renders the templates of `cld make`.

A template is a text file DIRECTORY/LANGUAGE/NAME[.ext]. These placeholders are replaced:

* ``{{ cloud_name }}``: by a literal of the language, including the quotes
* ``{{ cloud_name | plain }}``: by the bare value, for comments and quoted text
* ``{{ include NAME }}``: by another template of the language
* ``{{ '{{' }}``: by two braces
"""

from __future__ import annotations

import difflib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from cloudinary_cli import defaults
from cloudinary_cli.errors import CliError, NoHomeDirectory
from cloudinary_cli.system.file_access import file_errors
from cloudinary_cli.text import SECRET_KEYS, one_line

BUILT_IN = Path(__file__).resolve().parent / "templates"
DEFAULT_LANGUAGE = "html"
# These words are always treated as languages, even without templates.
_LANGUAGES = ("html", "java", "node", "php", "python", "ruby")

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_VALUE = re.compile(r"(\w+)(?:\s*\|\s*(plain))?\Z")
_INCLUDE = re.compile(r"include\s+([\w-]+)\Z")
_BRACES = re.compile(r"(['\"])\{\{\1\Z")
# These characters need no escaping in quoted text or comments of any language.
_PLAIN = re.compile(r"[A-Za-z0-9._:/@-]+\Z")


@dataclass(frozen=True)
class Template:
    """A template file. `custom` is True for the user's own templates."""

    language: str
    name: str
    path: Path
    custom: bool

    @property
    def title(self) -> str:
        """The name as a user types it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class TemplateQuery:
    """The template that the command line names. An empty name means the list of the language's templates."""

    language: str
    name: str


class Catalog:
    """The templates of several directories. Earlier directories take precedence for templates of the same name."""

    def __init__(self, custom: Optional[Path]) -> None:
        self._roots = [(root, root is custom) for root in (custom, BUILT_IN) if root is not None]

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> "Catalog":
        """The built-in templates and, if there is a home directory, the user's own."""
        try:
            return cls(Path(defaults.home_directory(environ)) / "templates")
        except NoHomeDirectory:
            return cls(None)

    def languages(self) -> List[str]:
        """The languages that have templates, sorted."""
        names = {entry.name.lower() for root, _ in self._roots for entry in _entries(root) if entry.is_dir()}
        return sorted(name for name in names if self.templates(name))

    def templates(self, language: str) -> List[Template]:
        """The templates of a language, sorted by name."""
        found: Dict[str, Template] = {}
        for root, custom in self._roots:
            for directory in (entry for entry in _entries(root) if entry.name.lower() == language and entry.is_dir()):
                for path in (entry for entry in _entries(directory) if entry.is_file()):
                    name = normalized(path.name.partition(".")[0])
                    found.setdefault(name, Template(language, name, path, custom))
        return [found[name] for name in sorted(found)]

    def listed(self, language: str) -> List[Template]:
        """The templates of a language, sorted by name.

        :raises CliError: it has none.
        """
        found = self.templates(language)
        if not found:
            raise CliError(f"No templates for {language}. Available languages: {', '.join(self.languages())}.")
        return found

    def wanted(self, words: Sequence[str]) -> TemplateQuery:
        """Split words into a language and a name. The language is the last or the first word."""
        parts = " ".join(words).split()
        known = {*_LANGUAGES, *self.languages()}
        for place in (-1, 0):
            if parts and parts[place].lower() in known:
                return TemplateQuery(parts.pop(place).lower(), normalized(" ".join(parts)))
        return TemplateQuery(DEFAULT_LANGUAGE, normalized(" ".join(parts)))

    def find(self, wanted: TemplateQuery) -> Template:
        """Find a template. Names are only compared with file names, so they cannot refer to other directories.

        :raises CliError: there is none; the message suggests similar ones.
        """
        available = self.listed(wanted.language)
        found = next((template for template in available if template.name == wanted.name), None)
        if found is not None:
            return found
        title = one_line(wanted.name.replace("_", " "), 60)
        text = f"Template: '{title}' for language: '{wanted.language}' does not exist."
        close = difflib.get_close_matches(wanted.name, [template.name for template in available])
        elsewhere = [name for name in self.languages() if any(t.name == wanted.name for t in self.templates(name))]
        if close:
            text += f" Did you mean: {', '.join(name.replace('_', ' ') for name in close)}?"
        elif elsewhere:
            text += f" It exists for: {', '.join(elsewhere)}."
        raise CliError(f"{text} See: cld make {wanted.language} -lt")

    def render(self, template: Template, values: Mapping[str, str]) -> str:
        """Return the snippet, without a final newline.

        :param values: the fields of the configuration, without secrets; an empty value counts as missing.
        :raises CliError: the file is unreadable, a placeholder is unknown, or a value is missing or unsuitable.
        """
        return self._render(template, values, ())

    def _render(self, template: Template, values: Mapping[str, str], outer: Tuple[str, ...]) -> str:
        where = f"Template '{template.title}' ({template.path})"

        def replace(match: "re.Match[str]") -> str:
            text = match.group(1)
            if _BRACES.match(text):
                return "{{"
            include = _INCLUDE.match(text)
            if include is None:
                return _substitute(template, text, values, where)
            name = normalized(include.group(1))
            if name in (*outer, template.name):
                raise CliError(f"{where} includes itself.")
            return self._render(self.find(TemplateQuery(template.language, name)), values, (*outer, template.name))

        text = _PLACEHOLDER.sub(replace, _read(template))
        return text[:-1] if text.endswith("\n") else text


def normalized(name: str) -> str:
    """`Upload-Widget` and `upload widget` -> `upload_widget`."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _entries(directory: Path) -> List[Path]:
    """The entries of a directory, sorted, without hidden files and editors' backup files."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:  # a missing or unreadable directory has no templates
        return []
    return [directory / name for name in names if not name.startswith(".") and not name.endswith("~")]


def _read(template: Template) -> str:
    try:
        with file_errors(f"Cannot read the template {template.path}"):
            return template.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(f"The template {template.path} is not UTF-8 text.") from None


def _substitute(template: Template, text: str, values: Mapping[str, str], where: str) -> str:
    match = _VALUE.match(text)
    name = match.group(1) if match else ""
    if name in SECRET_KEYS or name == "account_url":
        raise CliError(
            f"{where} asks for {name}, but secrets are never written into a snippet. Read CLOUDINARY_URL in its code."
        )
    if match is None or name not in values:
        raise CliError(
            f"{where} has an unknown placeholder {{{{ {one_line(text, 40)} }}}}. Known: {', '.join(sorted(values))}."
        )
    value = values[name]
    if not value:
        raise CliError(f"{where} needs {name}, which the selected configuration does not have.")
    if match.group(2) or template.language not in _LITERALS:
        if not _PLAIN.match(value):
            raise CliError(f"{where} cannot hold the {name} of this configuration: it has special characters.")
        return value if match.group(2) else f'"{value}"'
    return _LITERALS[template.language](value)


# -- literals


def _script_literal(value: str) -> str:
    # In a <script> element the HTML parser reads the text first, so it must not contain "</script>" or "<!--".
    return re.sub("[<>&]", lambda found: f"\\u{ord(found.group(0)):04x}", json.dumps(value))


def _single_quoted(value: str) -> str:
    # In Ruby and PHP, only the backslash and the quote are special in a single-quoted string.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


_LITERALS: Dict[str, Callable[[str], str]] = {
    "html": _script_literal,
    "node": json.dumps,
    "php": _single_quoted,
    "python": repr,
    "ruby": _single_quoted,
}
