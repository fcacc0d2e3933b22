"""The rules of docs/architecture.md, read from the source with ast: layers, cycles, printing, SDK privates, sizes.

Each rule is a function of a `Source`, the parsed package. So every rule is also run on a scratch copy of the package with
a line that breaks it.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Set, Tuple

import pytest

from test.support.package_source import PACKAGE, Source

# Top to bottom. A module may import from its own layer and from the layers below it. The last entry that is a prefix
# of a module's name is its layer.
LAYERS = (
    "utils __main__ cli cli_group modules core sandbox command completion transfer.clone transfer.check transfer.sync"
    " transfer transfer.http transfer.keys transfer.engine snippets agent search api context proxy sdk auth net config logs"
    " console progress system defaults errors text version"
).split()
# What may point upward: the table of commands. It is a table of texts, so that help imports no command.
COMMAND_TABLES = {"cli_group"}
BROAD_EXCEPTS = {"cli": 1, "logs": 1, "sdk.call": 1, "transfer.engine.executor": 1}
SDK_PRIVATES = {"sdk.loader", "sdk.activation", "sdk.call", "auth.oauth_config", "system.sdk_import"}
PRINTERS = {"console", "cli_group", "sandbox.consent_client"}
PRINTING = {"print", "input", "click.echo", "click.secho", "click.prompt", "click.confirm", "sys.stdout.write"}


def layer_of(module: str) -> Optional[str]:
    """The layer of a module; None for a package's own file above all layers (`cloudinary_cli/__init__.py`)."""
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        if ".".join(parts[:count]) in LAYERS:
            return ".".join(parts[:count])
    return None


def imports_go_down(source: Source) -> List[str]:
    problems = [f"{name} is in no layer" for name in source.paths if name and layer_of(name) is None]
    for name, imports in source.imports.items():
        here = layer_of(name)
        for each in imports:
            there = layer_of(each.target)
            if here is None or there is None or (each.by_text and name in COMMAND_TABLES):
                continue
            if LAYERS.index(there) < LAYERS.index(here):
                problems.append(f"{name} imports upward, {each}")
    return problems


def nothing_imports_the_old_paths(source: Source) -> List[str]:
    return [
        f"{name}: {each}"
        for name, imports in source.imports.items()
        for each in imports
        if layer_of(each.target) == "utils" and layer_of(name) != "utils"
    ]


def old_paths_hold_no_logic(source: Source) -> List[str]:
    return [
        f"{name}: {node.name}"
        for name, tree in source.trees.items()
        if layer_of(name) == "utils"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) or (isinstance(node, ast.FunctionDef) and node.name == "__getattr__")
    ]


def no_cycles(source: Source) -> List[str]:
    """Of modules, and of packages: a package is a layer, or a directory."""
    graph: Dict[str, Set[str]] = {}
    packages: Dict[str, Set[str]] = {}
    for name, imports in source.imports.items():
        for each in imports:
            if each.by_text and name in COMMAND_TABLES:
                continue
            if each.target not in ("", name):
                graph.setdefault(name, set()).add(each.target)
            here, there = layer_of(name), layer_of(each.target)
            if here and there and here != there:
                packages.setdefault(here, set()).add(there)
    return [*_cycles(graph), *_cycles(packages)]


def _cycles(graph: Dict[str, Set[str]]) -> List[str]:
    found: List[str] = []
    done: Set[str] = set()

    def visit(name: str, trail: List[str]) -> None:
        if name in trail:
            found.append("cycle: " + " -> ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*trail, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def calls(tree: ast.AST) -> Iterator[Tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                yield f"{node.func.value.id}.{node.func.attr}", node.lineno


def only_the_console_prints(source: Source) -> List[str]:
    return [
        f"{name} line {line}: {call}"
        for name, tree in source.trees.items()
        if name not in PRINTERS
        for call, line in calls(tree)
        if call in PRINTING
    ]


def every_directory_is_a_package(source: Source) -> List[str]:
    """Without an __init__.py, find_packages() would leave a directory out of the wheel."""
    return [str(path.parent) for path in source.paths.values() if not (path.parent / "__init__.py").exists()]


def no_global_statements(source: Source) -> List[str]:
    return [
        f"{name} line {node.lineno}"
        for name, tree in source.trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
    ]


def every_module_has_a_docstring(source: Source) -> List[str]:
    return [name for name, tree in source.trees.items() if not ast.get_docstring(tree)]


def broad_excepts_are_counted(source: Source) -> List[str]:
    problems = []
    for name, tree in source.trees.items():
        broad = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.ExceptHandler)
            and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))
            )
            and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
        ]
        if len(broad) > BROAD_EXCEPTS.get(name, 0):
            problems.append(f"{name} lines {broad}")
    return problems


def sdk_privates_stay_in_sdk(source: Source) -> List[str]:
    return [
        f"{name} line {node.lineno}: {node.attr}"
        for name, tree in source.trees.items()
        if name not in SDK_PRIVATES
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if "cloudinary" in ast.dump(node.value) or "'loader'" in ast.dump(node.value)
    ]


def logins_use_the_systems_random_numbers(source: Source) -> List[str]:
    """RFC 7636 section 7.1: verifier and state come from `secrets`; `random` can be predicted."""
    return [
        name
        for name, tree in source.trees.items()
        if layer_of(name) == "auth"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "random")
        or (isinstance(node, ast.Constant) and node.value == "random")
    ]


def sizes_are_kept(source: Source) -> List[str]:
    problems = []
    for name, tree in source.trees.items():
        lines = len(source.paths[name].read_text(encoding="utf-8").splitlines())
        limit = 200 if name == "core.config" else 120 if layer_of(name) in ("core", "modules") else 300
        if lines > limit:
            problems.append(f"{name} has {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                problems += [f"{name}: {problem}" for problem in _function_sizes(node)]
    return problems


def _function_sizes(node: "ast.FunctionDef | ast.AsyncFunctionDef") -> Iterator[str]:
    body = (node.end_lineno or 0) - node.lineno + 1
    if body > 50:
        yield f"{node.name} has {body} lines"
    is_command = any("click" in ast.dump(decorator) for decorator in node.decorator_list)
    names = [arg.arg for arg in node.args.args + node.args.kwonlyargs]
    count = len(names) - (names[:1] in (["self"], ["cls"]))
    if count > 6 and not is_command:
        yield f"{node.name} has {count} parameters"


Rule = Callable[[Source], List[str]]
# Each rule, with a module of a scratch copy and the text that breaks the rule there.
RULES: List[Tuple[Rule, str, str]] = [
    (imports_go_down, "config/url.py", "from cloudinary_cli.auth import session\n"),
    (imports_go_down, "system/files.py", "import cloudinary_cli.console\n"),
    (imports_go_down, "net/pool.py", "def late():\n    from cloudinary_cli import context\n"),
    (imports_go_down, "text.py", "import importlib\nlate = importlib.import_module('cloudinary_cli.errors')\n"),
    (imports_go_down, "config/rules.py", "_LATE = {'a': 'cloudinary_cli.sdk.call:call_api'}\n"),
    (imports_go_down, "sandbox/media.py", "from ..core import login\n"),
    (imports_go_down, "new_module.py", '"""A module that nobody gave a layer."""\n'),
    (nothing_imports_the_old_paths, "core/login.py", "from cloudinary_cli.utils.config_utils import load_config\n"),
    (old_paths_hold_no_logic, "utils/api_utils.py", "def __getattr__(name):\n    raise AttributeError(name)\n"),
    (no_cycles, "auth/session.py", "from cloudinary_cli.auth import refresh\n"),
    (no_cycles, "api/values.py", "_LATE = 'cloudinary_cli.api.arguments'\n"),
    (no_cycles, "text.py", "from cloudinary_cli import version\n_LATE = 'cloudinary_cli.console'\n"),
    (only_the_console_prints, "auth/flow.py", "print('x')\n"),
    (no_global_statements, "auth/flow.py", "def change():\n    global x\n    x = 1\n"),
    (every_directory_is_a_package, "sdk/new/module.py", '"""A module."""\n'),
    (every_module_has_a_docstring, "auth/empty.py", "x = 1\n"),
    (broad_excepts_are_counted, "auth/flow.py", "try:\n    pass\nexcept Exception:\n    pass\n"),
    (sdk_privates_stay_in_sdk, "api/values.py", "import cloudinary\ncloudinary._config = None\n"),
    (logins_use_the_systems_random_numbers, "auth/flow.py", "import random\n"),
    (sizes_are_kept, "auth/flow.py", "\n" * 300),
    (sizes_are_kept, "auth/flow.py", "def long():\n" + "    x = 1\n" * 50),
    (sizes_are_kept, "auth/flow.py", "def wide(a, b, c, d, e, f, g):\n    pass\n"),
]


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(PACKAGE)


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in RULES), ids=lambda rule: str(rule.__name__))
def test_the_package_keeps_the_rule(source: Source, rule: Rule) -> None:
    assert rule(source) == []


@pytest.mark.parametrize(("rule", "place", "text"), RULES, ids=[f"{rule.__name__}-{place}" for rule, place, _ in RULES])
def test_a_scratch_copy_that_breaks_the_rule_fails(tmp_path: Path, rule: Rule, place: str, text: str) -> None:
    copy = tmp_path / "cloudinary_cli"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "templates"))
    (copy / place).parent.mkdir(exist_ok=True)
    with (copy / place).open("a", encoding="utf-8") as file:
        file.write(text)
    assert rule(Source(copy)) != []


def test_every_layer_holds_a_module(source: Source) -> None:
    assert {layer_of(name) for name in source.paths if name} == set(LAYERS)
