"""The terminal sessions of the pictures: real runs of `cld` in a pseudo-terminal, against sandboxes."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional

from svg import terminal_svg
from terminal import Recorder

from cloudinary_cli.sandbox.demo import free_port
from cloudinary_cli.sandbox.media import PIXEL
from cloudinary_cli.sandbox.runner import SandboxOptions, running_server, sandbox_environment
from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings

COLUMNS, LINES = 108, 40


@dataclass
class Session:
    """A directory, a sandbox, and a terminal whose commands run with both."""

    server: SandboxServer
    directory: Path
    recorder: Recorder

    def prepare(self, *arguments: str) -> None:
        """Run `cld` and show nothing of it."""
        status = self.recorder.run([sys.executable, "-m", "cloudinary_cli", *arguments])
        if status:
            raise SystemExit(f"{arguments}: exit status {status}\n" + "\n".join(self.recorder.screen.display))
        self.recorder.screen.reset()

    def shows(self, *texts: str) -> bool:
        """True when all texts are on the screen."""
        shown = "\n".join(self.recorder.screen.display)
        return all(text in shown for text in texts)

    def slow_items(self) -> int:
        """The number of pictures with a row, after the first ones have ended."""
        rows = [line for line in self.recorder.screen.display if re.search(r"beach-\d\d\S* +3 s", line)]
        return 0 if self.shows("\n0") else len(rows)

    def cld(self, line: str, expected: int = 0, is_enough: Optional[Callable[[], bool]] = None) -> None:
        """Run one command line that begins with `cld`, and show it."""
        self.recorder.type_command(line)
        program = [sys.executable, "-m", "cloudinary_cli", *shlex.split(line)[1:]]
        status = self.recorder.run(program, is_enough or (lambda: False))
        if is_enough is None and status != expected:
            raise SystemExit(f"{line}: exit status {status}\n" + "\n".join(self.recorder.screen.display))

    def add_latency(self, seconds: float, path: str = "/v1_1") -> None:
        """Let each later request to this path take this long."""
        add_latency(self.server, seconds, path)

    def stat(self, name: str) -> int:
        """A counter of the sandbox, such as the number of uploads that it has received."""
        with urllib.request.urlopen(f"{self.server.base_url}/sandbox/stats") as response:
            return int(json.load(response)[name])


def add_latency(server: SandboxServer, seconds: float, path: str) -> None:
    """Let each later request to this path of the server take this long."""
    fault = {"path": path, "times": None, "delay": seconds, "mode": "after"}
    request = urllib.request.Request(
        f"{server.base_url}/sandbox/faults", json.dumps(fault).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()


@contextmanager
def session(oauth_only: bool = True, folder_mode: str = "dynamic") -> Iterator[Session]:
    """A new sandbox and an empty terminal. With `oauth_only`, there is no API key, and nobody is logged in."""
    options = SandboxOptions(auto_approve=True, folder_mode=folder_mode)
    with running_server(options) as server, tempfile.TemporaryDirectory() as directory:
        home = Path(directory) / "home"
        home.mkdir(mode=0o700)
        environ = sandbox_environment(server, home, oauth_only)
        environ["CLOUDINARY_OAUTH_REDIRECT_PORT"] = str(free_port())
        yield Session(server, Path(directory), Recorder(COLUMNS, LINES, environ, directory))


def login_svg() -> bytes:
    """A login in the browser, and what it gives."""
    with session() as shown:
        shown.cld("cld login work")
        shown.cld("cld whoami")
        return terminal_picture(shown, "cld login")


def photos(directory: Path, count: int = 24, large: int = 0) -> None:
    """Write small pictures, and large ones of 90 MB."""
    directory.mkdir()
    for number in range(count):
        (directory / f"beach-{number:02d}.png").write_bytes(PIXEL + bytes(500_000 + 7_919 * number))
    for number in range(large):
        (directory / f"aerial-{number}.png").write_bytes(PIXEL + bytes(90_000_000 + number))


def sync_svg() -> bytes:
    """Uploads while they are under way."""
    with session() as shown:
        photos(shown.directory / "photos", large=2)
        shown.prepare("login", "work")
        shown.add_latency(0.5)
        shown.cld("cld sync photos shop --push -w 4", is_enough=lambda: shown.stat("uploads") > 7)
        return terminal_picture(shown, "cld sync --push")


def pull_svg() -> bytes:
    """Downloads while they are under way."""
    with session() as shown:
        photos(shown.directory / "photos", large=2)
        shown.prepare("login", "work")
        shown.prepare("sync", "photos", "shop", "--push")
        is_enough = lambda: shown.shows("aerial-0", "aerial-1") and not shown.shows(" 0 B of")  # noqa: E731
        shown.cld("cld sync copy shop --pull -w 4", is_enough=is_enough)
        return terminal_picture(shown, "cld sync --pull")


def hashing_svg() -> bytes:
    """The beginning of a sync: the folder is listed while the local files are hashed."""
    with session() as shown:
        photos(shown.directory / "photos")
        for number in range(2):
            with (shown.directory / "photos" / f"drone-{number}.mp4").open("wb") as file:
                file.truncate(2_000_000_000 + number)  # sparse
        shown.prepare("login", "work")
        shown.add_latency(3)
        is_enough = lambda: shown.shows("Listing", "drone-0", "drone-1", "%")  # noqa: E731
        shown.cld("cld sync photos shop --push", is_enough=is_enough)
        return terminal_picture(shown, "cld sync --push")


def clone_svg() -> bytes:
    """A copy to another cloud while it is under way."""
    with session() as shown, tempfile.TemporaryDirectory() as directory:
        settings = SandboxSettings(Path(directory), cloud_name="backup", api_secret="backup-secret")  # noqa: S106
        with SandboxServer(settings) as target:
            photos(shown.directory / "photos", 18)
            shown.prepare("login", "work")
            shown.prepare("upload_dir", "photos", "-f", "shop", "-o", "use_filename", "true")
            account = f"{settings.api_key}:{settings.api_secret}@{settings.cloud_name}"
            shown.prepare("config", "-n", "backup", f"cloudinary://{account}?upload_prefix={target.base_url}")
            add_latency(target, 3.4, "/v1_1/backup/image/upload")
            shown.cld("cld -C work clone backup -w 4", is_enough=lambda: shown.slow_items() == 4)
            return terminal_picture(shown, "cld clone")


def migrate_svg() -> bytes:
    """A migration while it is under way. The old site is a folder of the sandbox."""
    with session(oauth_only=False, folder_mode="fixed") as shown:
        photos(shown.directory / "photos", 18)
        shown.prepare("upload_dir", "photos", "-e", "-f", "old", "-o", "unique_filename", "false")
        template = f"{shown.server.base_url}/sandbox/image/upload/old/"
        shown.prepare("admin", "create_upload_mapping", "legacy", f"template={template}")
        names = [path.name for path in sorted((shown.directory / "photos").iterdir())]
        (shown.directory / "urls.txt").write_text("".join(f"{template}{name}\n" for name in names))
        shown.add_latency(3.4, "/sandbox/image/upload/v1/legacy")
        shown.cld("cld migrate legacy urls.txt -w 4", is_enough=lambda: shown.slow_items() == 4)
        return terminal_picture(shown, "cld migrate")


def regen_derived_svg() -> bytes:
    """A regeneration while it is under way."""
    with session() as shown:
        photos(shown.directory / "photos", 18)
        shown.prepare("login", "work")
        shown.prepare("upload_dir", "photos", "-f", "shop", "-o", "use_filename", "true", "-o", "eager", "w_300")
        shown.add_latency(3.4, "/v1_1/sandbox/image/explicit")
        shown.cld("cld regen_derived w_300 -A -F -w 4", is_enough=lambda: shown.slow_items() == 4)
        return terminal_picture(shown, "cld regen_derived")


def error_svg() -> bytes:
    """Errors that say what to type."""
    with session() as shown:
        shown.cld("cld -C wrok admin ping", expected=1)
        shown.cld("cld admin resorces", expected=1)
        shown.cld("cld admin ping", expected=1)
        return terminal_picture(shown, "cld")


def terminal_picture(shown: Session, title: str) -> bytes:
    return str(terminal_svg(shown.recorder.screen, title)).encode("utf-8")
