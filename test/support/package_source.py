"""The modules of the package as syntax trees, and what they import. Nothing of the package is imported."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List

PACKAGE = Path(__file__).resolve().parent.parent.parent / "cloudinary_cli"
DOTTED = re.compile(r"cloudinary_cli(?:\.[a-z_][a-z_0-9]*)+")


@functools.lru_cache(maxsize=None)
def parsed(text: str) -> ast.Module:
    """The tree of a file; scratch copies differ in one file only."""
    return ast.parse(text)


@dataclass(frozen=True)
class Import:
    """One import of a module of this package by another."""

    target: str
    line: int
    by_text: bool = False  # import_module("..."), a table, a __getattr__

    def __str__(self) -> str:
        return f"line {self.line}: {self.target or 'the package itself'}"


class Source:
    """The modules of a copy of the package, by their names without `cloudinary_cli.`."""

    def __init__(self, package: Path) -> None:
        self.paths = {self._name(package, path): path for path in sorted(package.rglob("*.py"))}
        self.trees = {name: parsed(path.read_text(encoding="utf-8")) for name, path in self.paths.items()}

    @functools.cached_property
    def imports(self) -> Dict[str, List[Import]]:
        return {name: list(self._imports(name)) for name in self.paths}

    @staticmethod
    def _name(package: Path, path: Path) -> str:
        parts = path.relative_to(package).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, module: str) -> Iterator[Import]:
        """Imports that happen at run time, deferred ones and those by text included."""
        tree = self.trees[module]
        is_package = self.paths[module].name == "__init__.py"
        package = module if is_package else module.rpartition(".")[0]
        skipped = set(_type_checking(tree)) | set(_docstrings(tree))
        for node in ast.walk(tree):
            if node in skipped:
                continue
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._found(alias.name, "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = package.split(".")
                    base = ".".join(["cloudinary_cli", *parts[: len(parts) - node.level + 1], *base.split(".")])
                for alias in node.names:
                    yield from self._found(base.rstrip("."), alias.name, node.lineno)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = {text.partition(".")[2] for text in DOTTED.findall(node.value)}
                yield from (Import(name, node.lineno, by_text=True) for name in found & set(self.paths) - {module})

    def _found(self, base: str, attribute: str, line: int) -> Iterator[Import]:
        if base.split(".")[0] == "cloudinary_cli":
            inner = base[len("cloudinary_cli") :].lstrip(".")
            full = f"{inner}.{attribute}".strip(".")
            yield Import(full if full in self.paths else inner, line)


def _type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test):
            for child in block.body:
                yield from ast.walk(child)


def _docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value
