"""Measures the time of short commands, as a multiple of a floor in the same run.

    python bench/startup.py [--repeat 20] [--entries 10000] [--json FILE]

The floor is `python -c "import click"`. The floor of a command that lists a large config.json also parses that file
with json.load(). Every round runs the floors and each command once, so that load on the machine affects all of them.
The output has the best and the median of the rounds, and the ratios of both. Measure with an installed CLI
(`pip install .`, not -e): an editable install slows down each start of Python, including the floor. The exit status is
1 if a ratio of best times exceeds its limit.
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
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import results  # noqa: E402

REPO = Path(__file__).resolve().parent.parent
# The code of pip's console script.
ENTRY = "import sys; from cloudinary_cli.cli import main; sys.exit(main())"
IMPORT = 'python -c "import click"'
LIMIT = 1.8  # of short commands
LISTING_LIMIT = 3.0


class Case(NamedTuple):
    """A command, and the floor that it is compared with. A case without a floor is one."""

    command: Sequence[str]
    home: str
    floor: Optional[str] = None
    limit: Optional[float] = None


def cld(*args: str) -> List[str]:
    return [sys.executable, "-c", ENTRY, *args]


def floor_of(home: str = "") -> Case:
    """Import click and parse the config.json of a home."""
    parse = f"; import json; json.load(open({home + '/config.json'!r}))" if home else ""
    return Case([sys.executable, "-c", f"import click{parse}"], home)


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


def measure(cases: Mapping[str, Case], env: Mapping[str, str], repeat: int) -> Dict[str, List[float]]:
    """Seconds of each case in each round, after one round that fills the caches."""
    taken: Dict[str, List[float]] = {name: [] for name in cases}
    for number in range(repeat + 1):
        for name, case in cases.items():
            elapsed = seconds(case.command, {**env, "CLOUDINARY_HOME": case.home})
            if number:
                taken[name].append(elapsed)
    return taken


def report(cases: Mapping[str, Case], taken: Mapping[str, Sequence[float]]) -> bool:
    """Print the results. Returns True if all are within their limits."""
    print(f"{'':<44}{'best':>9}{'median':>10}   x floor (best, median)")
    is_within = True
    for name, case in cases.items():
        low, mid = min(taken[name]), statistics.median(taken[name])
        line = f"{name:<44}{low * 1e3:6.1f} ms{mid * 1e3:7.1f} ms"
        if case.floor:
            ratio = low / min(taken[case.floor])
            line += f"   {ratio:.2f}  {mid / statistics.median(taken[case.floor]):.2f}"
            if case.limit:
                exceeds = ratio > case.limit
                is_within = is_within and not exceeds
                line += f"  (<= {case.limit})" + (" EXCEEDED" if exceeds else "")
        print(line)
    return is_within


def rows(cases: Mapping[str, Case], taken: Mapping[str, Sequence[float]]) -> List[Dict[str, Any]]:
    """The results for --json. Each has the time of its own floor."""
    found = results.timed(taken)
    for row in found:
        case = cases[row["name"]]
        if case.floor:
            row["floor"] = min(taken[case.floor])
        if case.limit:
            row["limit"] = case.limit
    return found


def main() -> int:
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
        small, keys, mixed = (make_home(parent, *content) for content in ((3, True), (many, False), (many, True)))
        keys_floor, mixed_floor = f"import click, parse {many} API keys", f"import click, parse {many}, half logins"
        cases = {
            IMPORT: floor_of(),
            "cld --version": Case(cld("--version"), small, IMPORT, LIMIT),
            "cld --help": Case(cld("--help"), small, IMPORT, LIMIT),
            "cld config -ls --json": Case(cld("config", "-ls", "--json"), small, IMPORT, LIMIT),
            "cld whoami": Case(cld("whoami"), small, IMPORT, LIMIT),
            "cld -C LOGIN whoami --json": Case(cld("-C", "entry-1", "whoami", "--json"), small, IMPORT, LIMIT),
            "cld url sample w_100": Case(cld("url", "sample", "w_100"), small, IMPORT),
            keys_floor: floor_of(keys),
            f"cld config -ls, {many} API keys": Case(cld("config", "-ls"), keys, keys_floor, LISTING_LIMIT),
            f"cld config -ls --json, {many} API keys": Case(
                cld("config", "-ls", "--json"), keys, keys_floor, LISTING_LIMIT
            ),
            mixed_floor: floor_of(mixed),
            f"cld config -ls, {many}, half logins": Case(cld("config", "-ls"), mixed, mixed_floor, LISTING_LIMIT),
            f"cld config -ls --json, {many}, half logins": Case(
                cld("config", "-ls", "--json"), mixed, mixed_floor, LISTING_LIMIT
            ),
        }
        print(f"Python {sys.version.split()[0]}, {options.repeat} rounds")
        taken = measure(cases, base, options.repeat)
    is_within = report(cases, taken)
    if options.json:
        results.save(options.json, "Start-up of short commands", rows(cases, taken))
    return 0 if is_within else 1


if __name__ == "__main__":
    sys.exit(main())
