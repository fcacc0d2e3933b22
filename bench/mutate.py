"""Mutation check: change one operator, constant, condition or call at a time, and check that a test fails.

    python bench/mutate.py [FILE ...] [--tests TEST ...] [--sample N] [--only LINE ...]

Works in a copy of the repository, so the sources are never touched. A mutant that passes the tests is printed
with its line: either a test is missing, or the change has no effect (such as on a log line). Without arguments,
all files of SUITES are checked, each with its own tests. The script uses one core; a mutant takes as long as its tests
need to fail.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, Tuple

REPO = Path(__file__).resolve().parent.parent
SUITES = {
    "cloudinary_cli/auth/session.py": ["test/auth/test_session.py"],
    "cloudinary_cli/auth/flow.py": ["test/auth/test_flow.py"],
    "cloudinary_cli/auth/callback_response.py": ["test/auth/test_callback_response.py"],
    "cloudinary_cli/auth/pasted_response.py": ["test/auth/test_pasted_response.py"],
    "cloudinary_cli/config/rules.py": ["test/config/test_rules.py"],
    "cloudinary_cli/config/resolver.py": ["test/config/test_resolver.py"],
    "cloudinary_cli/config/refresh_state.py": ["test/auth/test_refresh_rules.py"],
    "cloudinary_cli/auth/refresh_rules.py": ["test/auth/test_refresh_rules.py"],
    "cloudinary_cli/auth/refresh_lock.py": ["test/auth/test_refresh_rules.py", "test/auth/test_refresh_races.py"],
    "cloudinary_cli/auth/refresh_entry.py": ["test/auth/test_refresh_server.py", "test/auth/test_login_copies.py"],
    "cloudinary_cli/auth/refresh_request.py": ["test/auth/test_refresh_server.py", "test/auth/test_refresh_request.py"],
    "cloudinary_cli/auth/refresh.py": [
        "test/auth/test_refresh_server.py", "test/auth/test_refresh.py", "test/auth/test_refresh_journal.py",
        "test/auth/test_sealing.py",
        "test/auth/test_refresh_commands.py",
    ],
}  # fmt: skip
TIMEOUT_SECONDS = 120

_COMPARE = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}


def variants(node: ast.AST) -> Iterator[Tuple[str, ast.AST]]:
    """Changed copies of one node, each with a description of the change."""
    yield from _constants(copy.deepcopy(node))
    yield from _operators(copy.deepcopy(node))
    yield from _statements(copy.deepcopy(node))


def _constants(new: ast.AST) -> Iterator[Tuple[str, ast.AST]]:
    if isinstance(new, ast.Constant) and isinstance(new.value, bool):
        yield "constant inverted", ast.Constant(not new.value)
    elif isinstance(new, ast.Constant) and isinstance(new.value, (int, float)):
        yield "constant + 1", ast.Constant(new.value + 1)


def _operators(new: ast.AST) -> Iterator[Tuple[str, ast.AST]]:
    if isinstance(new, ast.Compare) and type(new.ops[0]) in _COMPARE:
        new.ops[0] = _COMPARE[type(new.ops[0])]()
        yield "comparison reversed", new
    elif isinstance(new, ast.BoolOp):
        new.op = ast.And() if isinstance(new.op, ast.Or) else ast.Or()
        yield "and/or exchanged", new
    elif isinstance(new, ast.UnaryOp) and isinstance(new.op, ast.Not):
        yield "not removed", new.operand
    elif isinstance(new, ast.BinOp) and type(new.op) in _ARITHMETIC:
        new.op = _ARITHMETIC[type(new.op)]()
        yield "operator exchanged", new
    elif isinstance(new, ast.IfExp):
        yield "else value always", new.orelse
    elif isinstance(new, ast.comprehension) and new.ifs:
        new.ifs = []
        yield "filter removed", new


def _statements(new: ast.AST) -> Iterator[Tuple[str, ast.AST]]:
    # None in place of None or False has no effect on a caller that tests for truth.
    if isinstance(new, ast.Return) and getattr(new.value, "value", new.value) not in (None, False):
        yield "None returned", ast.Return(ast.Constant(None))
    elif isinstance(new, ast.If):
        new.test = ast.Constant(False)
        yield "branch never taken", new
    elif isinstance(new, ast.Raise):
        yield "raise removed", ast.Pass()
    elif isinstance(new, ast.Expr) and isinstance(new.value, ast.Call) and "logger" not in ast.dump(new.value):
        yield "call removed", ast.Pass()


class _Swap(ast.NodeTransformer):
    def __init__(self, number: int, to: ast.AST) -> None:
        self.number, self.to, self.seen = number, to, -1

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self.seen += 1
        if self.seen == self.number:
            return ast.copy_location(self.to, node)
        return super().generic_visit(node)


def mutants(source: str) -> Iterator[Tuple[int, str, str]]:
    """(line, change, new source) of every mutant."""
    order: List[ast.AST] = []

    class _Number(ast.NodeVisitor):
        def generic_visit(self, node: ast.AST) -> None:
            order.append(node)
            super().generic_visit(node)

    _Number().visit(ast.parse(source))
    # mypy reports assignments to frozen objects, so no test is needed.
    frozen = {id(node.value) for node in order if isinstance(node, ast.keyword) and node.arg == "frozen"}
    line = 0
    for number, node in enumerate(order):
        line = getattr(node, "lineno", line)
        if id(node) in frozen:
            continue
        for change, to in variants(node):
            tree = _Swap(number, to).visit(ast.parse(source))
            yield line, change, ast.unparse(ast.fix_missing_locations(tree))  # type: ignore[attr-defined]


def survives(directory: Path, tests: List[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=30", *tests]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=str(directory), env=env, capture_output=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def check(file: str, tests: List[str], options: argparse.Namespace, work_copy: Path) -> Tuple[int, int]:
    """The numbers of killed mutants and of all mutants of one file; prints the survivors."""
    source = (REPO / file).read_text(encoding="utf-8")
    found = [mutant for mutant in mutants(source) if not options.only or mutant[0] in options.only]
    if options.sample and len(found) > options.sample:
        found = sorted(random.Random(1).sample(found, options.sample), key=lambda mutant: mutant[0])
    killed = 0
    for line, change, changed in found:
        (work_copy / file).write_text(changed, encoding="utf-8")
        if survives(work_copy, tests):
            print(f"survived: {file}:{line}: {change}: {source.splitlines()[line - 1].strip()}", flush=True)
        else:
            killed += 1
    (work_copy / file).write_text(source, encoding="utf-8")
    return killed, len(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=list(SUITES), help="paths from the root of the repository")
    parser.add_argument("--tests", nargs="+", help="required for a file that is not in SUITES")
    parser.add_argument("--sample", type=int, help="number of mutants per file, chosen with a fixed seed")
    parser.add_argument("--only", type=int, nargs="+", help="mutants of these lines only")
    options = parser.parse_args()
    unknown = [file for file in options.files if not options.tests and file not in SUITES]
    if unknown:
        parser.error(f"--tests is needed for {' '.join(unknown)}")
    killed = total = 0
    with tempfile.TemporaryDirectory() as directory:
        work_copy = Path(directory) / "repo"
        shutil.copytree(str(REPO), str(work_copy), ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache"))
        for file in options.files:
            tests = options.tests or SUITES[file]
            if not survives(work_copy, tests):
                print(f"The tests of {file} fail without any change.")
                return 2
            killed_here, found = check(file, tests, options, work_copy)
            print(f"{file}: {killed_here} of {found} mutants killed", flush=True)
            killed, total = killed + killed_here, total + found
    print(f"{killed} of {total} mutants killed ({100 * killed // max(1, total)} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
