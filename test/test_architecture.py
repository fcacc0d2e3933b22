"""The house's rules, read from the source with ast: direction of imports, cycles, globals, printing, SDK privates, sizes."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "cloudinary_cli"
FILES = sorted(PACKAGE.rglob("*.py"))

# An import may go down or stay in its layer, never up. First match wins.
LAYERS: List[Tuple[str, int]] = [
    ("__main__", 8),
    ("cli", 7),
    ("cli_group", 6),
    ("core.", 5),
    ("modules.", 5),
    ("transfer.", 4),
    ("sandbox.", 4),
    ("utils.api_command", 4),
    ("utils.api_listing", 4),
    ("utils.pagination", 4),
    ("utils.utility_command", 4),
    ("utils.agent_", 4),
    ("utils.search_", 4),
    ("utils.page_fetch", 4),
    ("utils.transformation_args", 4),
    ("utils.config_listing", 4),
    ("utils.identity", 4),
    ("command", 4),
    ("context", 3),
    ("sdk", 3),
    ("utils.api_utils", 3),
    ("utils.config_resolver", 3),
    ("auth.oauth_config", 3),
    ("auth.sign_in", 3),
    ("auth.use_cases", 3),
    ("auth.refresh", 2),
    ("auth.refresh_lock", 2),
    ("auth.loopback_server", 2),
    ("auth.answer", 2),
    ("sdk_transport", 2),
    ("utils.json_utils", 2),
    ("utils.utils", 2),
    ("auth.", 1),
    ("utils.config_", 1),
    ("utils.claim_utils", 1),
    ("utils.env_config", 1),
    ("utils.params", 1),
    ("utils.url_utils", 2),
    ("utils.method_spec", 1),
    ("console", 1),
    ("errors", 0),
    ("defaults", 0),
    ("version", 0),
    ("utils.", 0),
]
# Façades: a package's __init__ re-exports or joins what its modules hold.
PACKAGE_LAYERS = {"auth": 0, "utils": 0, "core": 5, "modules": 5, "sandbox": 0, "transfer": 4, "": 0}
BROAD_EXCEPTS = {"cli.py": 1, "console.py": 1, "utils/api_utils.py": 1, "transfer/executor.py": 1}
GLOBAL_OWNERS = {"sdk.py", "auth/oauth_config.py", "utils/env_config.py"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> int:
    if module in PACKAGE_LAYERS:
        return PACKAGE_LAYERS[module]
    for prefix, layer in LAYERS:
        if module == prefix or (prefix[-1] in "._" and module.startswith(prefix)):
            return layer
    raise AssertionError(f"{module} is in no layer; give it one")


MODULES = {name_of(path): path for path in FILES}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[Tuple[str, int]]:
    """(module of this package, line), deferred imports included; those for type checkers only are not real."""
    module = name_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = tree_of(path)
    checking = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for child in block.body
        for node in ast.walk(child)
    }
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.Import):
            bases = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(["cloudinary_cli", *parent, *([base] if base else [])])
            bases = [(base, alias.name) for alias in node.names]
        else:
            continue
        for base, attribute in bases:
            if base.split(".")[0] != "cloudinary_cli":
                continue
            inner = base[len("cloudinary_cli") :].lstrip(".")
            full = f"{inner}.{attribute}".strip(".")
            yield (full if full in MODULES else inner), node.lineno


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_down(path: Path) -> None:
    here = layer_of(name_of(path))
    upward = [f"line {line}: {target}" for target, line in imports_of(path) if layer_of(target) > here]
    assert not upward, f"{name_of(path)} (layer {here}) imports upward: {upward}"


def test_no_import_cycles() -> None:
    graph: Dict[str, Set[str]] = {
        name: {target for target, _ in imports_of(path) if target and target != name} for name, path in MODULES.items()
    }
    done: Set[str] = set()

    def visit(name: str, trail: List[str]) -> None:
        assert name not in trail, "cycle: " + " -> ".join([*trail[trail.index(name) :], name])
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, [*trail, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])


def calls(tree: ast.AST) -> Iterator[Tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id, node.lineno
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                yield f"{node.func.value.id}.{node.func.attr}", node.lineno


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_source_rules(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    tree = tree_of(path)
    assert ast.get_docstring(tree), "every room has a docstring that says what it knows"
    globals_used = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert not globals_used, f"`global` at lines {globals_used}"
    printing = {"print", "input", "click.echo", "click.secho", "click.prompt", "click.confirm", "sys.stdout.write"}
    if place not in ("console.py", "cli_group.py", "sandbox/browser.py"):
        assert not [call for call in calls(tree) if call[0] in printing], "only console.py prints"
    broad = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert len(broad) <= BROAD_EXCEPTS.get(place, 0), f"broad except at lines {broad}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_sdk_privates_stay_in_their_rooms(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    if place in GLOBAL_OWNERS:
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = ast.dump(node.value)
            assert "cloudinary" not in owner and "'sdk'" not in owner, f"line {node.lineno}: {node.attr}"


def test_checklist_10_logins_take_no_random_numbers_but_the_systems() -> None:
    """RFC 7636 section 7.1: verifier and state come from `secrets`; `random` can be predicted."""
    for path in FILES:
        if name_of(path).startswith("auth."):
            names = [
                alias.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.Import) for alias in node.names
            ]
            names += [str(node.module) for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom)]
            assert "random" not in names and "'random'" not in ast.dump(tree_of(path)), name_of(path)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_sizes(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    lines = len(source.splitlines())
    limit = 200 if name_of(path) == "core.config" else 120 if name_of(path).startswith(("core.", "modules.")) else 300
    assert lines <= limit, f"{lines} lines; split it"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = (node.end_lineno or 0) - node.lineno + 1
            assert body <= 50, f"{node.name} has {body} lines"
            is_command = any("click" in ast.dump(decorator) for decorator in node.decorator_list)
            count = (
                len(node.args.args)
                + len(node.args.kwonlyargs)
                - (node.args.args[:1] != [] and node.args.args[0].arg in ("self", "cls"))
            )
            assert is_command or count <= 6, f"{node.name} has {count} parameters"
