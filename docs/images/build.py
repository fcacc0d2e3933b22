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
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
sys.path.insert(0, str(REPO))

import sessions  # noqa: E402 - it imports cloudinary_cli of this clone, whatever is installed

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


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
    "login.svg": sessions.login_svg,
    "error.svg": sessions.error_svg,
    "sync.svg": sessions.sync_svg,
    "pull.svg": sessions.pull_svg,
    "hashing.svg": sessions.hashing_svg,
    "clone.svg": sessions.clone_svg,
    "migrate.svg": sessions.migrate_svg,
    "regen_derived.svg": sessions.regen_derived_svg,
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
