"""Measures the time of short commands, as a multiple of the time of `python -c "import click"` in the same run.

    python bench/startup.py [--repeat 20] [--entries 10000] [--json FILE]

Every round runs the floor and each command once, so that load on the machine affects all of them. The output has
the best and the median of the rounds, and the ratios of both. Measure with an installed CLI (`pip install .`, not -e):
an editable install slows down each start of Python, including the floor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Mapping, Sequence
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import results  # noqa: E402

REPO = Path(__file__).resolve().parent.parent
# The code of pip's console script.
ENTRY = "import sys; from cloudinary_cli.cli import main; sys.exit(main())"
FLOOR = [sys.executable, "-c", "import click"]


def cld(*args: str) -> List[str]:
    return [sys.executable, "-c", ENTRY, *args]


def key_entry(number: int) -> str:
    """A saved API key with realistic lengths."""
    return f"cloudinary://{number:015d}:{'s' * 27}@cloud{number}"


def login_entry(number: int) -> str:
    """A saved login, with a token of 800 characters."""
    return f"cloudinary://cloud{number}?" + urlencode(
        {
            "oauth_token": "eyJ" + "a" * 797,
            "refresh_token": "rt_" + "b" * 80,
            "issued_at": 1795479759,
            "expires_at": 1795480059,
            "region": "api",
            "issuer": "https://oauth.cloudinary.com/",
            "upload_prefix": "https://api.cloudinary.com",
        }
    )


def make_home(parent: Path, entries: int, logins: bool) -> str:
    """A home directory whose config.json has this many entries; with `logins`, every other one is a login."""
    home = parent / f"home-{entries}-{logins}"
    home.mkdir()
    saved = {f"entry-{n}": login_entry(n) if logins and n % 2 else key_entry(n) for n in range(entries)}
    saved["__default__"] = "entry-0"
    (home / "config.json").write_text(json.dumps(saved, indent=2), encoding="utf-8")
    (home / "config.json").chmod(0o600)
    return str(home)


def seconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Wall time of one run; its output is discarded."""
    start = time.perf_counter()
    subprocess.run(command, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(runs: Mapping[str, "tuple[Sequence[str], Mapping[str, str]]"], repeat: int) -> Dict[str, List[float]]:
    """Seconds of each run in each round, after one round that fills the caches."""
    taken: Dict[str, List[float]] = {name: [] for name in runs}
    for number in range(repeat + 1):
        for name, (command, env) in runs.items():
            elapsed = seconds(command, env)
            if number:
                taken[name].append(elapsed)
    return taken


def report(taken: Mapping[str, Sequence[float]], floor: str) -> None:
    best, middle = min(taken[floor]), statistics.median(taken[floor])
    print(f"{'':<44}{'best':>9}{'median':>10}   x floor (best, median)")
    for name, values in taken.items():
        low, mid = min(values), statistics.median(values)
        print(f"{name:<44}{low * 1e3:6.1f} ms{mid * 1e3:7.1f} ms   {low / best:.2f}  {mid / middle:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=20, help="rounds; default 20")
    parser.add_argument("--entries", type=int, default=10000, help="entries of the large config.json; default 10000")
    results.add_option(parser)
    options = parser.parse_args()
    base = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDINARY_")}
    # An installed package has bytecode. Without this, each run would compile the modules again.
    base.pop("PYTHONDONTWRITEBYTECODE", None)
    base["PYTHONPATH"] = str(REPO)
    many = options.entries
    with tempfile.TemporaryDirectory() as directory:
        parent = Path(directory)
        small = {**base, "CLOUDINARY_HOME": make_home(parent, 3, True)}
        keys = {**base, "CLOUDINARY_HOME": make_home(parent, many, False)}
        mixed = {**base, "CLOUDINARY_HOME": make_home(parent, many, True)}
        floor = 'python -c "import click"'
        runs = {
            floor: (FLOOR, base),
            "cld --version": (cld("--version"), small),
            "cld --help": (cld("--help"), small),
            "cld config -ls --json": (cld("config", "-ls", "--json"), small),
            "cld whoami": (cld("whoami"), small),
            "cld -C LOGIN whoami --json": (cld("-C", "entry-1", "whoami", "--json"), small),
            "cld url sample w_100": (cld("url", "sample", "w_100"), small),
            f"cld config -ls, {many} API keys": (cld("config", "-ls"), keys),
            f"cld config -ls --json, {many} API keys": (cld("config", "-ls", "--json"), keys),
            f"cld config -ls, {many}, half logins": (cld("config", "-ls"), mixed),
            f"cld config -ls --json, {many}, half logins": (cld("config", "-ls", "--json"), mixed),
        }
        print(f"Python {sys.version.split()[0]}, {options.repeat} rounds")
        taken = measure(runs, options.repeat)
    report(taken, floor)
    if options.json:
        results.save(options.json, "Start-up of short commands", results.timed(taken))


if __name__ == "__main__":
    main()
