"""Compares `cld sync`, `upload_dir` and `clone` with a baseline that is measured in the same run, interleaved.

    python bench/transfers.py [--repeat 3] [--only upload] [--json FILE]

The baseline is bench/raw_client.py: raw keep-alive sockets, as many threads as `cld` has workers, the same server. Both
are complete processes, including start-up. The time is the median of the runs, the memory the maximum. Prints Markdown.
The exit status is 1 if a row exceeds a limit.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import results  # noqa: E402
from bench.measure import Measured, run_cld, run_program, typical  # noqa: E402
from bench.transfer_server import content, make_certificate, running  # noqa: E402

WORKERS = 30
MB = 1_000_000


class Place(NamedTuple):
    """The directory and the server of the cases."""

    folder: Path
    plain: int
    tls: int
    ca_file: str


@dataclass(frozen=True)
class Case:
    """One row of the output. `cld` and `floor` get a new, empty folder for their output."""

    name: str
    cld: Callable[[Place, Path], Measured]
    floor: Optional[Callable[[Place, Path], Measured]] = None
    latency: int = 0  # milliseconds per request
    limit: Optional[float] = None  # the largest ratio of the times
    memory: Optional[int] = None  # the largest peak, in MiB


def url_of(place: Place, cloud: str, tls: bool) -> str:
    """A CLOUDINARY_URL for the server, including delivery."""
    if tls:
        host = f"127.0.0.1:{place.tls}"
        return f"cloudinary://key:secret@{cloud}?upload_prefix=https://{host}&secure_distribution={host}"
    host = f"127.0.0.1:{place.plain}"
    return f"cloudinary://key:secret@{cloud}?upload_prefix=http://{host}&secure=false&cname={host}"


def cld(place: Place, cloud: str, tls: bool, *arguments: str) -> Measured:
    options = ["-c", url_of(place, cloud, tls), "-v", "error", *arguments, "-w", str(WORKERS)]
    return run_cld(options, {"REQUESTS_CA_BUNDLE": place.ca_file, "CLOUDINARY_HOME": str(place.folder / "home")})


def raw(place: Place, kind: str, tls: bool, count: int, size: int, folder: Path) -> Measured:
    port, ca_file = (place.tls, place.ca_file) if tls else (place.plain, "")
    words = ["-m", "bench.raw_client", kind, str(port), str(count), str(size), str(WORKERS), ca_file, str(folder)]
    return run_program(words)


def local(place: Place, count: int, size: int, changed: int = 0) -> Path:
    """A folder of `count` files as the server lists them. The content of `changed` files differs."""
    folder = place.folder / f"local-{count}-{size}-{changed}"
    if not folder.is_dir():
        folder.mkdir(parents=True)
        for number in range(count):
            data = content(size)
            path = folder / f"asset{number:06d}.jpg"
            path.write_bytes(data[::-1] if number < changed else data)
    return folder


def readable(size: int) -> str:
    return f"{size // MB} MB" if size >= MB else f"{size // 1024} KiB"


def upload(count: int, size: int, tls: bool, latency: int, **limits: float) -> Case:
    name = f"upload {count:,} x {readable(size)}{', TLS' if tls else ''}, {latency} ms"
    return Case(
        name,
        lambda place, scratch: cld(place, f"n{count}-s{size}", tls, "upload_dir", str(local(place, count, size))),
        lambda place, scratch: raw(place, "upload", tls, count, size, local(place, count, size)),
        latency,
        **limits,  # type: ignore[arg-type]
    )


def in_chunks(size: int, latency: int, floor_workers: int, name: str, **limits: float) -> Case:
    """One file that is sent in chunks, next to a raw client that sends `floor_workers` chunks at a time."""

    def file(place: Place) -> Path:
        path = place.folder / f"chunks-{size}" / "large.bin"
        if not path.exists():
            path.parent.mkdir()
            path.touch()
            os.truncate(path, size)  # it takes no space on the disk
        return path

    return Case(
        f"{readable(size)} in chunks, {latency} ms, {name} floor",
        lambda place, scratch: run_cld(["-c", url_of(place, "n1-s1", False), "upload", str(file(place))]),
        lambda place, scratch: run_program(
            ["-m", "bench.raw_client", "chunks", str(place.plain), "1", "1", str(floor_workers), "", str(file(place))]
        ),
        latency,
        **limits,  # type: ignore[arg-type]
    )


def pull(count: int, size: int, tls: bool, latency: int, **limits: float) -> Case:
    name = f"pull {count:,} x {readable(size)}{', TLS' if tls else ''}, {latency} ms"
    return Case(
        name,
        lambda place, scratch: cld(place, f"n{count}-s{size}", tls, "sync", str(scratch), "bench", "--pull"),
        lambda place, scratch: raw(place, "pull", tls, count, size, scratch),
        latency,
        **limits,  # type: ignore[arg-type]
    )


def push(name: str, count: int, changed: int, latency: int) -> Case:
    def run(place: Place, scratch: Path) -> Measured:
        folder = local(place, count, 4096, changed)
        return cld(place, f"n{count}-s4096", False, "sync", str(folder), "bench", "--push", "-F")

    def floor(place: Place, scratch: Path) -> Measured:
        return raw(place, "upload", False, changed, 4096, local(place, count, 4096, changed))

    return Case(f"{name}, {latency} ms", run, floor if changed else None, latency)


def listing(count: int, raw_assets: bool = False) -> Case:
    """Assets without a local file: listed, compared, and not downloaded."""
    cloud = f"n{count}-s4096" + ("-raw" if raw_assets else "")

    def run(place: Place, scratch: Path) -> Measured:
        (scratch / "other.jpg").write_bytes(b"1")
        return cld(place, cloud, False, "sync", str(scratch), "bench", "--pull", "-K", "--dry-run")

    return Case(f"list {count:,} unmatched {'raw ' if raw_assets else ''}assets", run)


def clone(count: int) -> Case:
    def run(place: Place, scratch: Path) -> Measured:
        target = url_of(place, "n0-s0", False)
        return cld(place, f"n{count}-s4096", False, "clone", target, "-F")

    return Case(f"clone {count:,}", run)


CASES: List[Case] = [
    *(
        upload(1000, 4096, tls, latency, **({"limit": 1.3} if tls and latency else {}))
        for tls in (False, True)
        for latency in (0, 50)
    ),
    *(
        pull(1000, 4096, tls, latency, **({"limit": 1.25} if tls and latency else {}))
        for tls in (False, True)
        for latency in (0, 50)
    ),
    upload(40, 15 * MB, False, 0, memory=80),
    pull(40, 15 * MB, False, 0, memory=80),
    upload(1, 120 * MB, False, 0, memory=80),
    in_chunks(500 * MB, 100, 8, "parallel", limit=1.3, memory=80),
    in_chunks(500 * MB, 100, 1, "ordered", limit=0.4),
    push("sync 2,000 unchanged", 2000, 0, 0),
    push("sync 2,000 unchanged", 2000, 0, 50),
    push("sync 2,000, 200 changed", 2000, 200, 0),
    push("sync 2,000, 200 changed", 2000, 200, 50),
    listing(1000),
    listing(20000),
    listing(2000, raw_assets=True),
    listing(8000, raw_assets=True),
    clone(500),
]


def control(place: Place, path: str) -> Dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{place.plain}/count{path}") as response:
        counts: Dict[str, int] = json.load(response)
        return counts


@dataclass(frozen=True)
class Row:
    """The result of a case."""

    case: Case
    ours: Measured
    floor: Optional[Measured]
    connections: int

    @property
    def ratio(self) -> Optional[float]:
        return self.ours.seconds / self.floor.seconds if self.floor else None

    @property
    def is_within_limits(self) -> bool:
        case, ratio = self.case, self.ratio
        is_fast = ratio is None or case.limit is None or ratio <= case.limit
        is_small = case.memory is None or self.ours.peak_kib / 1024 <= case.memory
        return is_fast and is_small and self.connections <= WORKERS + 1

    def markdown(self) -> str:
        case, ratio = self.case, self.ratio
        cells = [
            case.name,
            f"{self.ours.seconds:.2f}",
            f"{self.floor.seconds:.2f}" if self.floor else "",
            f"{ratio:.2f}" + (f" (<= {case.limit})" if case.limit else "") if ratio else "",
            f"{self.ours.peak_kib / 1024:.0f}" + (f" (<= {case.memory})" if case.memory else ""),
            str(self.connections),
        ]
        return f"| {' | '.join(cells)} |{'' if self.is_within_limits else ' EXCEEDED'}"

    def as_json(self) -> Dict[str, Any]:
        values = {
            "name": self.case.name,
            "seconds": self.ours.seconds,
            "floor": self.floor.seconds if self.floor else None,
            "limit": self.case.limit,
            "peak_mib": self.ours.peak_kib / 1024,
            "connections": self.connections,
        }
        return {name: value for name, value in values.items() if value is not None}


def run_case(place: Place, case: Case, repeat: int) -> Row:
    """Measure one row, and print it."""
    runs: List[Measured] = []
    floors: List[Measured] = []
    connections = 0
    for _ in range(repeat):
        for program, measured in ((case.floor, floors), (case.cld, runs)):
            if program is None:
                continue
            scratch = place.folder / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            control(place, f"/{case.latency}")
            measured.append(program(place, scratch))
            connections = control(place, "")["opened"]
    row = Row(case, typical(runs), typical(floors) if floors else None, connections)
    print(row.markdown(), flush=True)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", metavar="WORD", help="Only the rows whose name contains it.")
    results.add_option(parser)
    options = parser.parse_args()
    print("| work | cld, s | floor, s | ratio | peak, MiB | connections |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        certificate = make_certificate(Path(directory))
        with running(certificate) as (plain, tls):
            place = Place(Path(directory), plain, tls, certificate[0])
            rows = [run_case(place, case, options.repeat) for case in CASES if options.only in case.name]
    if options.json:
        results.save(options.json, "Bulk transfers, next to a raw client", [row.as_json() for row in rows])
    return 0 if all(row.is_within_limits for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
