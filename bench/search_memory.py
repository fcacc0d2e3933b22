"""Measures peak memory and time of `cld search -A -F --csv` with many assets, and of a raw HTTP loop in the same run.

    python bench/search_memory.py [--assets 2000 20000] [--repeat 3]

The server runs in its own process and generates each page on request. The floor is a keep-alive http.client loop, in a
fresh interpreter, that reads and parses the same pages. The shortest time and the largest peak are printed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measure import Measured, run_cld, run_function  # noqa: E402

PAGE = 500


def asset(number: int) -> Dict[str, Any]:
    """An asset of a search response, about 700 bytes of JSON."""
    return {
        "asset_id": f"{number:032x}",
        "public_id": f"folder/é asset {number}",
        "asset_folder": "folder",
        "filename": f"asset {number}",
        "format": "jpg",
        "version": 1700000000 + number,
        "resource_type": "image",
        "type": "upload",
        "created_at": "2026-01-01T00:00:00+00:00",
        "bytes": 100000 + number,
        "width": 1920,
        "height": 1080,
        "aspect_ratio": 1.77778,
        "pixels": 2073600,
        "url": f"http://res.cloudinary.com/demo/image/upload/v1/folder/asset%20{number}.jpg",
        "secure_url": f"https://res.cloudinary.com/demo/image/upload/v1/folder/asset%20{number}.jpg",
        "status": "active",
        "tags": ["shoes", f"tag{number % 7}"],
        "context": {"alt": f"asset {number}"},
        **({"late_field": number} if number >= PAGE else {}),
    }


def page(total: int, start: int) -> Dict[str, Any]:
    """The page that starts with asset `start`."""
    end = min(start + PAGE, total)
    cursor = {"next_cursor": f"c{end}"} if end < total else {}
    return {"total_count": total, "time": 5, "resources": [asset(number) for number in range(start, end)], **cursor}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent as two packets. With Nagle's algorithm, the second would wait for an acknowledgment.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # The cloud name has the number of assets, so that one server serves all sizes: /v1_1/n2000/resources/search
        total = int(self.path.split("/")[2][1:])
        data = json.dumps(page(total, int(body.get("next_cursor", "c0")[1:]))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


def _serve(port: Any) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    port.send(server.server_address[1])
    server.serve_forever()


def measure_search(port: int, assets: int, directory: str, *options: str) -> Measured:
    """Run `cld search -A -F --csv` as a process over this many assets."""
    url = f"cloudinary://key:secret@n{assets}?upload_prefix=http://127.0.0.1:{port}"
    csv = os.path.join(directory, f"{assets}.csv")
    arguments = ["-c", url, "-v", "error", "search", "-A", "-F", "--csv", csv, *options]
    return run_cld(arguments)


def measure_floor(port: int, assets: int) -> Measured:
    """Run the raw loop as a process."""
    return run_function("bench.search_memory", "read_raw", f"{port}, {assets}")


def read_raw(port: int, assets: int) -> int:
    """Read and parse all pages over one connection, without storing them."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body: Dict[str, Any] = {"max_results": PAGE}
    while True:
        connection.request("POST", f"/v1_1/n{assets}/resources/search", json.dumps(body))
        response = json.loads(connection.getresponse().read())
        if "next_cursor" not in response:
            return 0
        body["next_cursor"] = response["next_cursor"]


def best(runs: Sequence[Measured]) -> Measured:
    """The shortest time and the largest peak."""
    return Measured(min(run.seconds for run in runs), max(run.peak_kib for run in runs))


def _report(port: int, sizes: List[int], repeat: int, directory: str) -> None:
    kinds = {"--csv --quiet": ["--quiet"], "--csv": [], "--csv -ff --quiet": ["--quiet", "-ff", "public_id,bytes"]}
    for assets in sizes:
        floor = best([measure_floor(port, assets) for _ in range(repeat)])
        print(f"{assets:>6} assets  {'floor':<18} {floor.seconds:6.2f} s   {floor.peak_kib / 1024:6.1f} MiB")
        for name, options in kinds.items():
            run = best([measure_search(port, assets, directory, *options) for _ in range(repeat)])
            ratio = run.seconds / floor.seconds
            print(f"{'':>14}  {name:<18} {run.seconds:6.2f} s   {run.peak_kib / 1024:6.1f} MiB   {ratio:.2f} x floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assets", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=_serve, args=(sender,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as directory:
        os.environ["CLOUDINARY_HOME"] = directory
        _report(receiver.recv(), options.assets, options.repeat, directory)
    server.terminate()


if __name__ == "__main__":
    main()
