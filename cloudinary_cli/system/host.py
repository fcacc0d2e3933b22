"""Detects SSH, containers, WSL and displays, to decide whether a browser can be opened."""

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
class Host:
    """The machine and the session. `ssh_login` is the `user@host` to show in an ssh command, for an SSH session."""

    ssh: bool = False
    container: bool = False
    wsl: bool = False
    display: bool = True
    ssh_login: Optional[str] = None

    @property
    def why_no_browser(self) -> Optional[str]:
        """Why the user would not see a browser that is opened here; None if they may see it."""
        if self.ssh and not self.display:
            return "This is an SSH session"
        if self.container and not self.display:
            return "This is a container"
        return None


def detect_host(environ: Mapping[str, str], root: str = "/", platform: str = sys.platform) -> Host:
    """Detect the properties of the host from the environment and a few files.

    :param root: the root directory of the files, for tests.
    """
    ssh = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
    wsl = bool(environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP")) or (
        "microsoft" in _text(root, _KERNEL_RELEASE).lower()
    )
    has_display = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    own_window_system = platform == "darwin" or platform.startswith("win")
    return Host(
        ssh=ssh,
        container=_is_container(environ, root),
        wsl=wsl,
        display=has_display or ((own_window_system or wsl) and not ssh),
        ssh_login=_ssh_login(environ) if ssh else None,
    )


def _is_container(environ: Mapping[str, str], root: str) -> bool:
    if environ.get("container") or environ.get("KUBERNETES_SERVICE_HOST"):
        return True
    if any(os.path.exists(_under(root, name)) for name in _CONTAINER_FILES):
        return True
    return bool(_CONTAINER_GROUP.search(_text(root, _CONTROL_GROUPS)))


def _ssh_login(environ: Mapping[str, str]) -> str:
    """`user@address` as the SSH client used it. SSH_CONNECTION has client address and port, server address and port."""
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
