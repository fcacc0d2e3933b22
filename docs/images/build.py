"""Makes the pictures of this directory: terminal sessions from real runs of `cld`, the callback page, and charts.

    pip install '.[docs,sandbox]'
    python docs/images/build.py [NAME ...] [--directory DIRECTORY]

Without names, all pictures are made. The sessions run in pseudo-terminals against a sandbox; callback.png needs
Chromium.
performance.svg shows performance.json, which the scripts of bench/ write with `--json docs/images/performance.json`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path.insert(0, str(REPO))

from cloudinary_cli.sandbox.demo import free_port  # noqa: E402 - of this clone, whatever is installed
from cloudinary_cli.sandbox.runner import SandboxOptions, running_server, sandbox_environment  # noqa: E402
from cloudinary_cli.sandbox.sandbox_server import SandboxServer  # noqa: E402
from cloudinary_cli.sandbox.text_image import PIXEL  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
COLUMNS = 108


@dataclass
class Session:
    """A directory, a sandbox, and a terminal whose commands run with both."""

    server: SandboxServer
    directory: Path
    recorder: Any

    def cld(self, line: str, expected: int = 0, is_enough: Optional[Callable[[], bool]] = None) -> None:
        """Run one command line that begins with `cld`, and show it."""
        self.recorder.type_command(line)
        program = [sys.executable, "-m", "cloudinary_cli", *shlex.split(line)[1:]]
        status = self.recorder.run(program, is_enough or (lambda: False))
        if is_enough is None and status != expected:
            raise SystemExit(f"{line}: exit status {status}\n" + "\n".join(self.recorder.screen.display))

    def add_latency(self, seconds: float) -> None:
        """Let each later API request take this long."""
        fault = {"path": "/v1_1", "times": None, "delay": seconds, "mode": "after"}
        request = urllib.request.Request(
            f"{self.server.base_url}/sandbox/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).close()

    def uploads(self) -> int:
        """The number of uploads that the sandbox has received."""
        with urllib.request.urlopen(f"{self.server.base_url}/sandbox/stats") as response:
            return int(json.load(response)["uploads"])


@contextmanager
def session(lines: int = 40) -> Iterator[Session]:
    """A new sandbox in which nobody is logged in, and an empty terminal."""
    from terminal import Recorder

    with running_server(SandboxOptions(auto_approve=True)) as server, tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        home.mkdir(mode=0o700)
        environ = sandbox_environment(server, home, oauth_only=True)
        environ["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
        yield Session(server, Path(directory), Recorder(COLUMNS, lines, environ, directory))


def login_svg() -> bytes:
    """A login in the browser, and what it gives."""
    with session() as shown:
        shown.cld("cld login work")
        shown.cld("cld whoami")
        return terminal_picture(shown, "cld login")


def sync_svg() -> bytes:
    """A sync while it is under way."""
    count = 24
    with session() as shown:
        photos = shown.directory / "photos"
        photos.mkdir()
        for number in range(count):
            (photos / f"beach-{number:02d}.png").write_bytes(PIXEL + bytes(500_000 + 7_919 * number))
        for number in range(2):
            (photos / f"aerial-{number}.png").write_bytes(PIXEL + bytes(90_000_000 + number))
        shown.recorder.run([sys.executable, "-m", "cloudinary_cli", "login", "work"])
        shown.recorder.screen.reset()
        shown.add_latency(0.5)
        shown.cld("cld sync photos shop --push -w 4", is_enough=lambda: shown.uploads() > 7)
        return terminal_picture(shown, "cld sync")


def error_svg() -> bytes:
    """Errors that say what to type."""
    with session() as shown:
        shown.cld("cld -C wrok admin ping", expected=1)
        shown.cld("cld admin resorces", expected=1)
        shown.cld("cld admin ping", expected=1)
        return terminal_picture(shown, "cld")


def terminal_picture(shown: Session, title: str) -> bytes:
    from svg import terminal_svg

    return str(terminal_svg(shown.recorder.screen, title)).encode("utf-8")


def callback_png() -> bytes:
    """The page that the browser shows after a login."""
    from cloudinary_cli.auth.loopback_server import CallbackServer

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        raise SystemExit(f"callback.png needs one of {', '.join(BROWSERS)}")
    with CallbackServer("127.0.0.1", 0, "state") as server, tempfile.TemporaryDirectory() as directory:

        def finish() -> None:
            server.wait(60)
            server.reply(True)

        threading.Thread(target=finish, daemon=True).start()
        picture = Path(directory) / "page.png"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=960,600"]
        command = [browser, *options, f"--user-data-dir={directory}/profile", f"--screenshot={picture}"]
        subprocess.run([*command, f"{server.redirect_uri}?code=code&state=state"], check=True, capture_output=True)
        return picture.read_bytes()


# -- performance


def performance_svg() -> bytes:
    """The measurements of performance.json."""
    from svg import charts_svg

    measured: Dict[str, Any] = json.loads((HERE / "performance.json").read_text(encoding="utf-8"))
    charts = [chart_of(record) for record in measured.values()]
    return charts_svg(charts, "Measured times of cld, as multiples of a floor").encode("utf-8")


def chart_of(record: Dict[str, Any]) -> Any:
    """One script's measurements. A result without a floor of its own is compared with the first one, the floor."""
    from svg import Bar, Chart

    rows: List[Dict[str, Any]] = record["results"]
    own_floors = any("floor" in row for row in rows)
    bars = []
    for row in rows:
        floor = row.get("floor", None if own_floors else rows[0]["seconds"])
        if floor:
            seconds, ratio = row["seconds"], row["seconds"] / floor
            time = f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
            bars.append(
                Bar(row["name"], ratio, f"{time}, × {ratio:.2f}", row.get("limit"), row is rows[0] and not own_floors)
            )
    conditions = f"{record['date']}, commit {record['commit']}, Python {record['python']}, {record['machine']}"
    return Chart(record["title"], [record["command"], conditions], bars)


PICTURES: Dict[str, Callable[[], bytes]] = {
    "login.svg": login_svg,
    "sync.svg": sync_svg,
    "error.svg": error_svg,
    "callback.png": callback_png,
    "performance.svg": performance_svg,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(PICTURES), metavar="NAME", help=", ".join(PICTURES))
    parser.add_argument("--directory", type=Path, default=HERE, help="where to write; default: beside this script")
    options = parser.parse_args()
    unknown = set(options.names) - set(PICTURES)
    if unknown:
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    for name in options.names:
        (options.directory / name).write_bytes(PICTURES[name]())


if __name__ == "__main__":
    main()
