"""Compares `cld sync`, `upload_dir` and `clone` with a baseline that is measured in the same run, interleaved.

    python bench/transfers.py [--repeat 3] [--only upload]

The baseline is bench/raw_client.py: raw keep-alive sockets, as many threads as `cld` has workers, the same server. Both
are complete processes, including start-up. Times are the median of the runs, memory the maximum. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

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
    """One row. `cld` and `floor` get a new, empty folder for their output."""

    name: str
    cld: Callable[[Place, Path], Measured]
    floor: Optional[Callable[[Place, Path], Measured]] = None
    latency: int = 0  # milliseconds per request
    limit: Optional[float] = None  # of the ratio
    memory: Optional[int] = None  # MiB


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
    """A folder of `count` files as the server lists them. `changed` of them have other content."""
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


def run_case(place: Place, case: Case, repeat: int) -> bool:
    """Run and print one row. False if a limit is exceeded."""
    runs: List[Measured] = []
    floors: List[Measured] = []
    connections = 0
    for _ in range(repeat):
        for program, results in ((case.floor, floors), (case.cld, runs)):
            if program is None:
                continue
            scratch = place.folder / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            control(place, f"/{case.latency}")
            results.append(program(place, scratch))
            connections = control(place, "")["opened"]
    ours, floor = typical(runs), typical(floors) if floors else None
    ratio = ours.seconds / floor.seconds if floor else None
    is_good = (ratio is None or case.limit is None or ratio <= case.limit) and connections <= WORKERS + 1
    is_good = is_good and (case.memory is None or ours.peak_kib / 1024 <= case.memory)
    cells = [
        case.name,
        f"{ours.seconds:.2f}",
        f"{floor.seconds:.2f}" if floor else "",
        f"{ratio:.2f}" + (f" (<= {case.limit})" if case.limit else "") if ratio else "",
        f"{ours.peak_kib / 1024:.0f}" + (f" (<= {case.memory})" if case.memory else ""),
        str(connections),
    ]
    print(f"| {' | '.join(cells)} |{'' if is_good else ' EXCEEDED'}", flush=True)
    return is_good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", metavar="WORD", help="Only the rows whose name contains WORD.")
    options = parser.parse_args()
    print("| work | cld, s | floor, s | ratio | peak, MiB | connections |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        certificate = make_certificate(Path(directory))
        with running(certificate) as (plain, tls):
            place = Place(Path(directory), plain, tls, certificate[0])
            results = [run_case(place, case, options.repeat) for case in CASES if options.only in case.name]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
