"""Saves measurements as JSON, with the command, commit and machine. docs/images/build.py draws a chart of the file."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

REPO = Path(__file__).resolve().parent.parent


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add the option --json FILE."""
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also save the results in this file; it keeps those of other scripts"
    )


def timed(taken: Mapping[str, Sequence[float]]) -> List[Dict[str, Any]]:
    """One result for each name: the best time in seconds, and the times of all rounds. The first name is the floor."""
    return [{"name": name, "seconds": min(values), "rounds": sorted(values)} for name, values in taken.items()]


def save(file: Path, title: str, results: Sequence[Mapping[str, Any]]) -> None:
    """Replace the record of the running script in `file`, and keep the records of other scripts."""
    records: Dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    records[Path(sys.argv[0]).stem] = {
        "title": title,
        "command": shlex.join(["python", f"bench/{Path(sys.argv[0]).name}", *_measuring_options()]),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": _git("rev-parse", "--short=10", "HEAD"),
        "python": sys.version.split()[0],
        "machine": _machine(),
        "results": [_rounded(result) for result in results],
    }
    file.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")


def _machine() -> str:
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = " (other programs slowed it down)" if load > 2 * cores else ""
    return f"{sys.platform}, {cores} cores, load average {load:.1f}{busy}"


def _measuring_options() -> List[str]:
    """The command line without --json and its value."""
    words = iter(sys.argv[1:])
    found = []
    for word in words:
        if word == "--json":
            next(words, None)
        elif not word.startswith("--json="):
            found.append(word)
    return found


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=str(REPO), capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return {name: _rounded(item) for name, item in value.items()} if isinstance(value, Mapping) else value
