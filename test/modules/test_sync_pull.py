"""`cld sync --pull`: which files are written, and which failures are counted."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import List

import pytest

from test.support.cloudinary_server import Reply
from test.support.commands import Run, posix
from test.support.raw_server import RawServer
from test.support.sync_account import Account, make, tree


def test_a_display_name_cannot_lead_out_of_the_folder(sync: Run, account: Account, tmp_path: Path) -> None:
    for name in ("../../evil", "/abs", "x/../../evil2", "ok"):
        account.add(name)
    outside = set(tmp_path.parent.rglob("*"))
    done = sync("--pull")
    assert done.code == 1 and sorted(tree(tmp_path / "d")) == ["abs.jpg", "ok.jpg"]
    assert "Failed | 2" in done.err and "its name leads out of the folder" in done.err
    assert {path.name for path in set(tmp_path.parent.rglob("*")) - outside} == {"d", "abs.jpg", "ok.jpg"}


@posix
def test_a_link_cannot_lead_out_of_the_folder(sync: Run, account: Account, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    make(tmp_path / "d")
    os.symlink(tmp_path / "outside", tmp_path / "d/s")
    account.add("a", asset_folder="f/s")
    assert sync("--pull").code == 1
    assert not list((tmp_path / "outside").iterdir())


def test_downloads_use_https(account: Account, invoke: Run) -> None:
    account.add("a")
    lines: List[bytes] = []

    def refuse(peer: socket.socket) -> None:
        with peer:
            lines.append(peer.recv(4096).splitlines()[0])
            peer.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")

    with RawServer(refuse) as proxy:
        env = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), f"http://{proxy.address}")
        env.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        done = invoke("-c", account.server.config_url(), "sync", "d", "f", "--pull", env=env)
    assert done.code == 1 and "Failed | 1" in done.err
    assert lines and {line[:31] for line in lines} == {b"CONNECT res.cloudinary.com:443 "}


def test_a_download_that_cannot_be_written_is_one_failure_and_the_others_continue(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    for number in range(400):
        account.add(f"f{number}", public_id=f"id{number}")
    (tmp_path / "d/f7.jpg").mkdir(parents=True)
    done = sync("--pull", "-w", "5", "--json")
    summary = json.loads(done.out)
    assert done.code == 1 and (summary["synced"], summary["failed"]) == (399, 1)
    assert len(tree(tmp_path / "d")) == 399 and "Failed | 1" in done.err
    assert "a directory of that name is there" in done.err


def test_an_unknown_host_is_a_failure_of_each_item(account: Account, invoke: Run) -> None:
    account.add("a"), account.add("b")
    url = account.server.config_url(secure_distribution="nowhere.invalid", private_cdn="true", secure="true")
    done = invoke("-c", url, "sync", "d", "f", "--pull")
    assert done.code == 1 and "Failed | 2" in done.err and "Synced | 0" in done.err


def test_assets_without_a_display_name_are_pulled_with_their_public_ids(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    for public_id in ("one", "two"):
        account.add("", public_id.encode(), public_id=public_id, display_name=...)
    assert sync("--pull").code == 0
    assert tree(tmp_path / "d") == {"one.jpg": b"one", "two.jpg": b"two"}


def test_results_without_format_or_date_are_pulled(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("a", public_id="p1", created_at=None)
    account.add("a", b"other", public_id="p2", created_at=...)
    account.add("a", b"third", public_id="p4")
    account.add("b", public_id="p3", format=...)
    account.server.on("GET", "/p3", Reply(body=b"b"))
    done = sync("--pull")
    assert done.code == 0, done.err
    assert sorted(tree(tmp_path / "d")) == ["a (1).jpg", "a (2).jpg", "a (3).jpg", "b"]
    assert "warning: Cloudinary folder 'f' contains 1 duplicate asset names" in done.err


@posix
def test_unreadable_local_files_are_only_warnings_of_a_pull(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    os.symlink("/nonexist", tmp_path / "d/b.jpg")
    account.add("b")
    assert sync("--pull").code == 0
    assert tree(tmp_path / "d") == {"b.jpg": b"b"}


def test_three_duplicates_beside_a_real_image_1(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("Image (1)", b"real")
    for content in (b"one", b"two", b"three"):
        account.add("Image", content)
    assert sync("--pull").code == 0
    expected = {"Image (1).jpg": b"real", "Image (2).jpg": b"one", "Image (3).jpg": b"two", "Image (4).jpg": b"three"}
    assert tree(tmp_path / "d") == expected
    assert "Skipping 4 items" in sync("--pull").err


def test_a_login_cannot_pull_a_private_asset_and_says_why() -> None:
    from cloudinary_cli.errors import ConfigError
    from cloudinary_cli.sdk.delivery import DeliveryUrls
    from cloudinary_cli.transfer.actions import delivery_url
    from cloudinary_cli.transfer.engine.records import RemoteAsset

    asset = RemoteAsset("a.jpg", "a", type="private", format="jpg")
    with pytest.raises(ConfigError, match="needs an API secret"):
        delivery_url(asset, DeliveryUrls({"cloud_name": "demo", "oauth_token": "t"}))
