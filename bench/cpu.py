"""Measures the CPU time of `cld` for one small upload and one small download, next to a raw client's.

    python bench/cpu.py [--count 2000] [--repeat 3] [--json FILE]

Each transfers COUNT + 1 files of 4 KiB at a latency of 0 ms, and one file. The difference divided by COUNT is the CPU
time of a file without start-up: user and system time of the process, best of the rounds. The raw client is
bench/raw_client.py. The exit status is 1 if a file costs `cld` more than LIMIT times as much.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import results  # noqa: E402
from bench.transfer_server import make_certificate, running  # noqa: E402
from bench.transfers import Case, Place, control, pull, upload  # noqa: E402

# 0.6 ms where the raw client needs 0.05 ms. The time itself depends on the load of the host.
LIMIT = 12.0
SIZE = 4096
KINDS: Dict[str, Callable[..., Case]] = {"upload": upload, "download": pull}


def cpu_seconds(program: Callable[[Place, Path], Any], place: Place) -> float:
    """CPU time of the process that `program` runs."""
    scratch = place.folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    control(place, "/0")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program(place, scratch)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(place: Place, count: int, repeat: int) -> Dict[str, List[float]]:
    """Milliseconds for each file: of the raw client and of `cld`, for each kind of transfer."""
    found: Dict[str, List[float]] = {}
    for kind, case_of in KINDS.items():
        many, one = case_of(count + 1, SIZE, False, 0), case_of(1, SIZE, False, 0)
        taken: Dict[str, List[float]] = {"raw": [], "raw, one": [], "cld": [], "cld, one": []}
        for _ in range(repeat):
            for name, case in (("", many), (", one", one)):
                assert case.floor is not None
                taken[f"raw{name}"].append(cpu_seconds(case.floor, place))
                taken[f"cld{name}"].append(cpu_seconds(case.cld, place))
        found[kind] = [1000 * (min(taken[name]) - min(taken[f"{name}, one"])) / count for name in ("raw", "cld")]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=3)
    results.add_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        certificate = make_certificate(Path(directory))
        with running(certificate) as (plain, tls):
            found = measure(Place(Path(directory), plain, tls, certificate[0]), options.count, options.repeat)
    print("| one file of 4 KiB | raw client, ms of CPU | cld, ms of CPU | ratio |\n|---|---|---|---|")
    for kind, (raw, ours) in found.items():
        row = f"| {kind} | {raw:.3f} | {ours:.3f} | {ours / raw:.1f} (<= {LIMIT:g}) |"
        print(row + ("" if ours <= LIMIT * raw else " EXCEEDED"))
    if options.json:
        rows = [{"name": kind, "seconds": ours / 1000, "floor": raw / 1000} for kind, (raw, ours) in found.items()]
        results.save(options.json, "CPU time of one small file", rows)
    return 0 if all(ours <= LIMIT * raw for raw, ours in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
