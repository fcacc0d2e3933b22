"""Tables fit the terminal; in a pipe they have whole cells."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import List

import pytest

from cloudinary_cli.text import aligned
from test.support.terminal import run_in_terminal

LONG = "a-cloud-with-a-name-that-is-much-too-long-for-a-narrow-terminal"


def shown(columns: int, *args: str, pipe: bool = False) -> List[str]:
    """The lines of stdout in a terminal of this width, or in a pipe."""
    resized = ["sh", "-c", f'stty cols {columns} rows 24 <&2; exec "$@"', "sh"]
    python = [sys.executable, "-m", "cloudinary_cli"]
    screen = run_in_terminal(args, pipe_stdout=pipe, program=[*resized, *python])
    assert screen.code == 0, screen.text
    return (screen.out if pipe else screen.text).splitlines()


@pytest.fixture
def saved(config_json: Path) -> Path:
    config_json.write_text(json.dumps({"work": f"cloudinary://k:s@{LONG}", "other": "cloudinary://k:s@c"}))
    return config_json


@pytest.mark.parametrize("columns", [60, 80, 132])
@pytest.mark.parametrize("args", [["admin", "-ls"], ["config", "-ls"]], ids=" ".join)
def test_a_table_fits_the_terminal(saved: Path, columns: int, args: List[str]) -> None:
    lines = shown(columns, *args)
    assert lines and max(map(len, lines)) <= columns
    assert any(line.startswith(("work ", "add_related_assets_by_asset_ids ")) for line in lines), "names stay whole"


def test_a_pipe_gets_whole_cells(saved: Path) -> None:
    assert any(LONG in line for line in shown(60, "config", "-ls", pipe=True))
    assert any(len(line) > 100 for line in shown(60, "admin", "-ls", pipe=True))


def test_a_narrow_terminal_has_the_summary_of_a_method_below_its_name(saved: Path) -> None:
    lines = shown(40, "admin", "-ls")
    assert "add_related_assets_by_asset_ids" in lines and max(map(len, lines)) <= 40
    assert not any("..." in line for line in lines), "nothing is cut"


def test_the_first_column_is_cut_last() -> None:
    rows = [("name" * 5, "value" * 10, "x")]
    assert aligned(rows, width=45) == "namenamenamenamename  valuevaluevalueva...  x"
    assert aligned(rows, width=10).startswith("namen...  value...")
    assert aligned(rows) == f"{'name' * 5}  {'value' * 10}  x"


def test_a_terminal_too_narrow_for_a_table_shows_blocks(saved: Path) -> None:
    lines = shown(40, "config", "-ls")
    assert "NAME:  work" in lines and "NAME:  other" in lines and "TYPE:  api_key" in lines and "" in lines
    assert f"CLOUD: {LONG}" in lines, "values stay whole"
