"""Measures the memory of `cld check` for each file and asset, and that of `cld sync` for comparison.

    python bench/check_memory.py [--files 100000] [--only check]

The growth is that of the peak between 1,000 files and --files. The files are hard links. Prints Markdown. The exit
status is 1 if a row exceeds its limit.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import Measured, run_cld  # noqa: E402
from bench.transfer_server import content, running  # noqa: E402

SIZE = 4096
SMALL = 1000
LIMIT = 400  # bytes for each file with its asset
_LINKS = 30_000  # some file systems allow no more than 65,000 links to a file


class Case(NamedTuple):
    """One row: the beginning and the end of the names of the local files (empty: no files), and the command."""

    name: str
    prefix: str
    command: List[str]
    suffix: str = ".jpg"
    limit: Optional[int] = LIMIT


CASES = [
    Case("check, all equal", "asset", ["check", "FOLDER", "bench"]),
    Case("check --json, all equal", "asset", ["check", "FOLDER", "bench", "--json"]),
    Case("check, all equal, names end in .JPG", "asset", ["check", "FOLDER", "bench"], ".JPG"),
    Case("check, all only in Cloudinary", "", ["check", "FOLDER", "bench", "--one-way"]),
    Case("check, as many files as assets, none of them equal", "other", ["check", "FOLDER", "bench"]),
    Case("sync --push, nothing to do", "asset", ["sync", "FOLDER", "bench", "--push", "-K"], limit=None),
]


def make_folder(folder: Path, prefix: str, suffix: str, count: int) -> None:
    folder.mkdir()
    first = folder
    for number in range(count if prefix else 0):
        path = folder / f"{prefix}{number:06d}{suffix}"
        if number % _LINKS == 0:
            path.write_bytes(content(SIZE))
            first = path
        else:
            os.link(first, path)


def run(case: Case, root: Path, port: int, count: int) -> Measured:
    folder = root / f"{case.prefix}-{count}{case.suffix}"
    if not folder.exists():
        make_folder(folder, case.prefix, case.suffix, count)
    url = f"cloudinary://key:secret@n{count}-s{SIZE}?upload_prefix=http://127.0.0.1:{port}"
    words = [str(folder) if word == "FOLDER" else word for word in case.command]
    return run_cld(["-c", url, "-v", "critical", *words], {"CLOUDINARY_HOME": str(root / "home")}, statuses=(0, 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--only", default="", metavar="WORD", help="Only the rows whose name contains it.")
    options = parser.parse_args()
    is_within_limits = True
    print("| work | seconds | peak, MiB | bytes for each file |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory, running() as (port,):
        for case in (case for case in CASES if options.only in case.name):
            small, large = (run(case, Path(directory), port, count) for count in (SMALL, options.files))
            growth = (large.peak_kib - small.peak_kib) * 1024 / (options.files - SMALL)
            limit = "" if case.limit is None else f" (<= {case.limit})"
            is_exceeded = case.limit is not None and growth > case.limit
            is_within_limits = is_within_limits and not is_exceeded
            cells = [f"{case.name}, {options.files:,}", f"{large.seconds:.1f}", f"{large.peak_kib / 1024:.0f}"]
            print(f"| {' | '.join(cells)} | {growth:.0f}{limit} |{' EXCEEDED' if is_exceeded else ''}", flush=True)
    return 0 if is_within_limits else 1


if __name__ == "__main__":
    sys.exit(main())
