"""Counts the API calls and measures the memory of a plan that several processes carry out, against the sandbox.

    python bench/scale.py [--items 100000] [--shards 4] [--deleted 1000] [--lines 1000000]

1. All files are new: `cld sync --push --dry-run --report`, then one `cld sync --items --shard I/N` for each part.
2. One file in a hundred has changed, and `--deleted` files are gone: the same with a listing of all assets.
3. A plan of `--lines` uploads of which a run does one, to measure how reading it takes memory.

Prints the calls of each step, the peak memory of each process, and what follows for five million assets.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List
from typing import Counter as Counts

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import Measured, run_cld  # noqa: E402
from cloudinary_cli.sandbox.sandbox_server import SandboxServer  # noqa: E402
from cloudinary_cli.sandbox.settings import SandboxSettings  # noqa: E402

LARGE = 5_000_000
FOLDER_SIZE = 1000  # files


class Calls:
    """The API calls that the sandbox has received, by kind."""

    def __init__(self, app: Any) -> None:
        self._counts: Counts[str] = Counter()
        self._lock = threading.Lock()
        app.before_request(self._count)

    def _count(self) -> None:
        from flask import request

        kind = request.path.split("/", 3)[-1]
        with self._lock:
            self._counts[f"{request.method} {kind}"] += 1

    def taken(self) -> Dict[str, int]:
        """The counts since the last call."""
        with self._lock:
            counts, self._counts = dict(self._counts), Counter()
        return counts


def write_files(folder: Path, count: int) -> None:
    """`count` files with different contents, in directories of FOLDER_SIZE."""
    for number in range(count):
        if number % FOLDER_SIZE == 0:
            (folder / f"{number // FOLDER_SIZE:05}").mkdir(parents=True)
        path_of(folder, number).write_bytes(b"\xff\xd8\xff\xe0%d\xff\xd9" % number)


def path_of(folder: Path, number: int) -> Path:
    return folder / f"{number // FOLDER_SIZE:05}" / f"image-{number:07}.jpg"


def change_files(folder: Path, count: int, deleted: int) -> None:
    """Change one file in a hundred, and delete `deleted` others."""
    for number in range(0, count, 100):
        path_of(folder, number).write_bytes(b"\xff\xd8\xff\xe0new content %d\xff\xd9" % number)
    for number in range(count - deleted, count):
        path_of(folder, number).unlink()


def run_steps(title: str, folder: Path, environ: Dict[str, str], shards: int, calls: Calls) -> None:
    """Make the plan and carry it out in parts, and print what it took."""
    plan = folder.parent / "plan.jsonl"
    common = ["-v", "error", "sync", str(folder), "scale", "--push"]
    calls.taken()
    planned = run_cld([*common, "--dry-run", "--report", str(plan)], environ)
    print(f"{title}\n  plan: {planned.peak_kib / 1024:.0f} MiB, {calls.taken()}", flush=True)
    with plan.open() as file:
        lines = sum(1 for _ in file)
    print(f"        {lines} lines of {plan.stat().st_size / max(lines, 1):.0f} bytes", flush=True)

    def part(number: int) -> Measured:
        report = str(folder.parent / f"report-{number}.jsonl")
        options = ["-F", "-D", "100", "--items", str(plan), "--shard", f"{number}/{shards}", "--report", report]
        return run_cld([*common, *options], environ)

    with ThreadPoolExecutor(shards) as pool:
        parts = list(pool.map(part, range(1, shards + 1)))
    print(f"  parts: {', '.join(f'{each.peak_kib / 1024:.0f} MiB' for each in parts)}, {calls.taken()}", flush=True)
    check_reports(plan, folder.parent, shards)


def check_reports(plan: Path, place: Path, shards: int) -> None:
    """:raises AssertionError: an item of the plan was not done, or done twice."""
    done: List[str] = []
    for number in range(1, shards + 1):
        with (place / f"report-{number}.jsonl").open() as file:
            done += [line["path"] for line in map(json.loads, file) if line["status"] == "ok"]
    with plan.open() as file:
        assert sorted(done) == sorted(json.loads(line)["path"] for line in file), "not everything was done once"


def read_plan(place: Path, environ: Dict[str, str], lines: int) -> None:
    """Carry out one item of a plan with this many lines, and print the peak memory."""
    folder, plan = place / "one", place / "long.jsonl"
    folder.mkdir()
    (folder / "0.jpg").write_bytes(b"\xff\xd8\xff\xe0\xff\xd9")
    item = {"action": "upload", "status": "planned", "bytes": 20, "folder_mode": "fixed", "folder": "scale/one"}
    with plan.open("w") as file:
        for number in range(lines):
            file.write(json.dumps({**item, "path": f"{number}.jpg"}) + "\n")
    run = run_cld(["-v", "error", "upload_dir", str(folder), "--items", str(plan), "--include", "0.jpg"], environ)
    print(f"A plan of {lines} lines\n  {run.peak_kib / 1024:.0f} MiB, {run.seconds:.0f} s", flush=True)


def print_calculation(shards: int) -> None:
    """The calls for five million assets, and the hours that they take at two limits."""
    rows = {
        "one listing": LARGE // 500,
        f"a listing in each of {shards} parts": shards * LARGE // 500,
        "5,000,000 deletions, -D 100": 2 * LARGE // 100,
        "5,000,000 deletions, -D 30": 2 * -(-LARGE // 30),
    }
    for name, count in rows.items():
        print(f"  {name}: {count:,} calls, {count / 500:,.0f} h at 500 and {count / 5000:,.0f} h at 5,000 an hour")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--deleted", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = place / "local"
        write_files(folder, options.items)
        settings = SandboxSettings(data_dir=place / "box", auto_approve=True)
        with SandboxServer(settings, threads=40) as server:
            calls = Calls(server.app)
            environ = {**os.environ, **server.environment(place / "home")}
            if options.items:
                run_steps(f"{options.items} new files", folder, environ, options.shards, calls)
                change_files(folder, options.items, options.deleted)
                run_steps("One file in a hundred changed", folder, environ, options.shards, calls)
            read_plan(place, environ, options.lines)
    print("Five million assets")
    print_calculation(options.shards)


if __name__ == "__main__":
    main()
