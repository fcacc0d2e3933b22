"""Measures `cld config --refresh-all` with many logins, and with one login, against a token endpoint with latency.

    python bench/refresh_all.py [--logins 50] [--latency 50] [--repeat 7] [--json FILE]

The endpoint runs in its own process and responds to each request after the latency. It rotates refresh tokens, and
refuses used ones. The floor of the refresh of one login is one exchange in the same run: a POST over a new connection,
and its response. That of many logins is as many exchanges at the same time, a thread for each. Each refresh runs in a
fresh process. Rounds are interleaved. The exit status is 1 if the ratio of the best times exceeds LIMIT.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, List, Set
from urllib.parse import parse_qs, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import results  # noqa: E402

REPO = Path(__file__).resolve().parent.parent
LIMIT = 3.5  # many logins, as a multiple of as many raw exchanges at the same time
# Only the refresh is timed. bench/startup.py measures the start of the interpreter and the imports.
_TIMED = """
import sys, time
import concurrent.futures.thread, filelock, requests.utils, urllib3
from cloudinary_cli import auth
from cloudinary_cli.auth import refresh
from cloudinary_cli.net import pool
from cloudinary_cli.system import files
start = time.perf_counter()
outcomes = auth.refresh_configs(True)
seconds = time.perf_counter() - start
assert len(outcomes) == int(sys.argv[1]) and {o.value for o in outcomes.values()} == {"refreshed"}, outcomes
print(seconds)
"""


def access_token(number: int) -> str:
    now = int(time.time())
    claims = {"iat": now, "exp": now + 300, "iss": "https://oauth.example/", "ext": {"cloud_name": "acme"}, "n": number}
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency = 0.05
    used: Set[str] = set()
    lock = threading.Lock()

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = form["refresh_token"][0]
        time.sleep(self.latency)
        with self.lock:
            is_used = token in self.used
            self.used.add(token)
            number = len(self.used)
        body: Dict[str, Any] = {"access_token": access_token(number), "refresh_token": f"{token}.", "expires_in": 300}
        data = json.dumps({"error": "invalid_grant"} if is_used else body).encode()
        self.send_response(400 if is_used else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def _serve(port: Any, latency: float) -> None:
    _Endpoint.latency = latency
    server = _Server(("127.0.0.1", 0), _Endpoint)
    port.send(server.server_address[1])
    server.serve_forever()


def make_home(home: Path, logins: int, port: int) -> None:
    home.mkdir()
    saved = {
        f"login-{number}": "cloudinary://acme?"
        + urlencode(
            {
                "oauth_token": access_token(number),
                "refresh_token": f"{home.name}-{number}",
                "issued_at": 1,
                "expires_at": 2,
                "region": "api",
                "issuer": "https://oauth.example/",
                "upload_prefix": "https://api.cloudinary.com",
                "oauth_base_url": f"http://127.0.0.1:{port}",
            }
        )
        for number in range(logins)
    }
    (home / "config.json").write_text(json.dumps(saved, indent=2), encoding="utf-8")
    (home / "config.json").chmod(0o600)


def refresh(home: Path, logins: int) -> float:
    """Seconds that refreshing all logins takes in a fresh process."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("CLOUDINARY_")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has bytecode
    env.update(CLOUDINARY_HOME=str(home), PYTHONPATH=str(REPO))
    done = subprocess.run(
        [sys.executable, "-c", _TIMED, str(logins)], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def exchange(port: int, number: int) -> float:
    """Seconds of one raw exchange: connect, POST, response."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    form = urlencode({"grant_type": "refresh_token", "refresh_token": f"raw-{number}", "client_id": "x"})
    connection.request("POST", "/oauth2/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    response = json.loads(connection.getresponse().read())
    connection.close()
    assert "access_token" in response
    return time.perf_counter() - start


def exchanges(port: int, count: int, first: int) -> float:
    """Seconds of this many raw exchanges at the same time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda number: exchange(port, number), range(first, first + count)))
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logins", type=int, default=50)
    parser.add_argument("--latency", type=float, default=50, help="of the token endpoint, in ms; default 50")
    parser.add_argument("--repeat", type=int, default=7, help="rounds; default 7")
    results.add_option(parser)
    options = parser.parse_args()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=_serve, args=(sender, options.latency / 1000), daemon=True)
    server.start()
    port = receiver.recv()
    many, raw = f"{options.logins} logins", f"{options.logins} exchanges"
    floors = {"one login": "one exchange", many: raw}
    taken: Dict[str, List[float]] = {"one exchange": [], "one login": [], raw: [], many: []}
    with tempfile.TemporaryDirectory() as directory:
        one, all_of_them = Path(directory) / "one", Path(directory) / "all"
        make_home(one, 1, port)
        make_home(all_of_them, options.logins, port)
        for number in range(options.repeat):
            runs: Dict[str, Callable[[], float]] = {
                "one exchange": lambda number=number: exchange(port, number),
                "one login": lambda: refresh(one, 1),
                raw: lambda number=number: exchanges(port, options.logins, 1000 * (number + 1)),
                many: lambda: refresh(all_of_them, options.logins),
            }
            for name, run in runs.items():
                taken[name].append(run())
    server.terminate()
    print(f"{options.latency:g} ms latency, {options.repeat} rounds; ratio to the exchanges: best, median")
    for name, values in taken.items():
        floor = taken[floors.get(name, name)]
        best, middle = min(values), statistics.median(values)
        ratios = f"{best / min(floor):.2f}  {middle / statistics.median(floor):.2f}"
        print(f"{name:<16}{best * 1e3:7.1f} ms{middle * 1e3:7.1f} ms   {ratios}")
    if options.json:
        rows = [{**row, "floor": min(taken[floors.get(row["name"], row["name"])])} for row in results.timed(taken)]
        rows[-1]["limit"] = LIMIT
        results.save(options.json, f"Refresh of logins, {options.latency:g} ms latency", rows)
    ratio = min(taken[many]) / min(taken[raw])
    if ratio > LIMIT:
        print(f"EXCEEDED: {ratio:.2f} > {LIMIT}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
