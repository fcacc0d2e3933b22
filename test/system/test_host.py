"""The host of a login (SSH, container, WSL, display) is detected from the environment and files."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional

import pytest

from cloudinary_cli.system.host import detect_host

SSH = {"SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22", "USER": "ann"}


@pytest.mark.parametrize(
    "environ, file, why",
    [
        ({}, None, None),
        (SSH, None, "SSH session"),
        ({"SSH_TTY": "/dev/pts/1"}, None, "SSH session"),
        ({**SSH, "DISPLAY": "localhost:10.0"}, None, None),
        ({}, ".dockerenv", "container"),
        ({}, "run/.containerenv", "container"),
        ({"container": "podman"}, None, "container"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, ".dockerenv", None),
        ({"WSL_DISTRO_NAME": "Debian"}, None, None),
    ],
)
def test_the_reason_why_a_browser_would_not_be_visible_to_the_user(
    tmp_path: Path, environ: Dict[str, str], file: Optional[str], why: Optional[str]
) -> None:
    if file:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    found = detect_host(environ, str(tmp_path), "linux").why_no_browser
    assert why in found if why and found else found is why


@pytest.mark.parametrize(
    "name, text, attribute",
    [
        ("proc/1/cgroup", "0::/kubepods.slice/kubepods-pod1.slice\n", "container"),
        ("proc/1/cgroup", "5:cpu:/docker/0123abc\n", "container"),
        ("proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n", "wsl"),
    ],
)
def test_facts_from_files(tmp_path: Path, name: str, text: str, attribute: str) -> None:
    assert not getattr(detect_host({}, str(tmp_path), "linux"), attribute)
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    assert getattr(detect_host({}, str(tmp_path), "linux"), attribute)


def test_an_ordinary_cgroup_is_no_container(tmp_path: Path) -> None:
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/cgroup").write_text("0::/init.scope\n1:name=systemd:/user.slice/dockers-fan.service\n")
    assert not detect_host({}, str(tmp_path), "linux").container


@pytest.mark.parametrize("platform, ssh, why", [("darwin", {}, None), ("win32", {}, None), ("darwin", SSH, "SSH")])
def test_systems_with_their_own_windows(tmp_path: Path, platform: str, ssh: Dict[str, str], why: Optional[str]) -> None:
    found = detect_host(ssh, str(tmp_path), platform).why_no_browser
    assert (found is None) == (why is None)


@pytest.mark.parametrize(
    "environ, login",
    [
        (SSH, "ann@10.0.0.2"),
        ({"SSH_CONNECTION": "fe80::1 5 fe80::2 22", "LOGNAME": "bob"}, "bob@fe80::2"),
        ({"SSH_TTY": "x"}, "<user>@<host>"),
        ({"SSH_CONNECTION": "a b $(reboot) d", "USER": "$(id)"}, "<user>@<host>"),
    ],
)
def test_the_line_to_type_has_nothing_unexpected(tmp_path: Path, environ: Dict[str, str], login: str) -> None:
    assert detect_host(environ, str(tmp_path), "linux").ssh_login == login
