"""Where this process runs, as far as a login needs to know: SSH, container, WSL, display. Opens and starts nothing."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import Mapping, Optional

_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_CONTAINER_GROUP = re.compile(r"/(?:docker|containerd|kubepods|libpod|lxc|garden)[-/.]")
_KERNEL_RELEASE = "/proc/sys/kernel/osrelease"
_CONTROL_GROUPS = "/proc/1/cgroup"


@dataclass(frozen=True)
class Surroundings:
    """Facts about the machine and the session. `ssh_login` is `user@host` for a line to type, when it is known."""

    ssh: bool = False
    container: bool = False
    wsl: bool = False
    display: bool = True
    ssh_login: Optional[str] = None

    @property
    def why_no_browser(self) -> Optional[str]:
        """Why a browser opened here would not be in front of the person; None when it may be."""
        if self.ssh and not self.display:
            return "This is an SSH session"
        if self.container and not self.display:
            return "This is a container"
        return None


def look_around(environ: Mapping[str, str], root: str = "/", platform: str = sys.platform) -> Surroundings:
    """Read the facts from the environment and a few files.

    :param root: where the files are looked up, for tests.
    """
    ssh = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
    wsl = bool(environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP")) or (
        "microsoft" in _text(root, _KERNEL_RELEASE).lower()
    )
    shown = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    own_window_system = platform == "darwin" or platform.startswith("win")
    return Surroundings(
        ssh=ssh,
        container=_is_container(environ, root),
        wsl=wsl,
        display=shown or ((own_window_system or wsl) and not ssh),
        ssh_login=_ssh_login(environ) if ssh else None,
    )


def _is_container(environ: Mapping[str, str], root: str) -> bool:
    if environ.get("container") or environ.get("KUBERNETES_SERVICE_HOST"):
        return True
    if any(os.path.exists(_under(root, name)) for name in _CONTAINER_FILES):
        return True
    return bool(_CONTAINER_GROUP.search(_text(root, _CONTROL_GROUPS)))


def _ssh_login(environ: Mapping[str, str]) -> str:
    """`user@address` of this machine as the SSH client reached it (SSH_CONNECTION: client, port, server, port)."""
    parts = (environ.get("SSH_CONNECTION") or "").split()
    host = parts[2] if len(parts) == 4 and re.match(r"[0-9A-Fa-f.:]+\Z", parts[2]) else "<host>"
    user = environ.get("USER") or environ.get("LOGNAME") or ""
    return f"{user if re.match(r'[A-Za-z0-9._-]+$', user) else '<user>'}@{host}"


def _text(root: str, name: str) -> str:
    try:
        with open(_under(root, name), encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""


def _under(root: str, name: str) -> str:
    return os.path.join(root, name.lstrip("/"))
