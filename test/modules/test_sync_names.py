"""`cld sync` and different names of one file: Unicode normal forms, case and links."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from cloudinary_cli.transfer.engine.records import LocalFile
from cloudinary_cli.transfer.sync.disk_names import is_one_name, other_files
from test.support.case_insensitive_disk import CaseInsensitiveDisk
from test.support.commands import Run, posix
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import Account, make, tree

NFC = "caf\u00e9"
NFD = unicodedata.normalize("NFD", NFC)
spelled = pytest.mark.skipif(sys.platform == "darwin", reason="the two normal forms are one name on this disk")


@pytest.fixture(autouse=True)
def no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))


# -- Unicode normal form


@pytest.mark.parametrize(("here", "there"), [(NFD, NFC), (NFC, NFD)])
@pytest.mark.parametrize("direction", ["--push", "--pull"])
def test_two_normal_forms_of_a_name_are_in_sync(
    sync: Run, account: Account, tmp_path: Path, here: str, there: str, direction: str
) -> None:
    make(tmp_path / "d", **{f"{here}/{here}.jpg": b"same"})
    account.add(there, b"same", asset_folder=f"f/{there}")
    done = sync(direction, "-F")
    assert done.code == 0 and "Skipping 1 items" in done.err and account.changes == []
    assert list(tree(tmp_path / "d")) == [f"{here}/{here}.jpg"]


@pytest.mark.parametrize(("here", "there"), [(NFD, NFC), (NFC, NFD)])
def test_changed_content_keeps_public_id_and_folder(
    sync: Run, account: Account, tmp_path: Path, here: str, there: str
) -> None:
    make(tmp_path / "d", **{f"{here}/{here}.jpg": b"new", f"{here}/second.jpg": b"2"})
    account.add(there, b"old", asset_folder=f"f/{there}", public_id="kept")
    done = sync("--push", "-F")
    first, second = sorted(account.sent("POST", "/upload"), key=lambda request: request.files["file"].filename or "")
    assert done.code == 0 and account.sent("DELETE") == [] and first.field("public_id") == "kept"
    assert {first.field("asset_folder"), second.field("asset_folder")} == {f"f/{there}"}
    assert first.files["file"].filename == NFC + ".jpg"


@pytest.mark.parametrize(("here", "there"), [(NFD, NFC), (NFC, NFD)])
def test_a_pull_overwrites_the_existing_spelling_of_a_name(
    sync: Run, account: Account, tmp_path: Path, here: str, there: str
) -> None:
    make(tmp_path / "d", **{f"{here}.jpg": b"old"})
    account.add(there, b"new")
    assert sync("--pull", "-F").code == 0
    assert tree(tmp_path / "d") == {f"{here}.jpg": b"new"}


@spelled
def test_two_files_whose_names_differ_in_normal_form_are_both_synced(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", **{f"{NFC}.jpg": b"1", f"{NFD}.jpg": b"2"})
    assert sync("--push").code == 0
    names = {
        request.files["file"].filename: request.files["file"].content for request in account.sent("POST", "/upload")
    }
    assert names == {f"{NFC}.jpg": b"1", f"{NFC} (1).jpg": b"2"}
    account.add(NFC, b"1")
    account.add(f"{NFC} (1)", b"2")
    assert "Skipping 2 items" in sync("--push", "-F").err and "Skipping 2 items" in sync("--pull", "-F").err
    assert len(tree(tmp_path / "d")) == 2


def test_a_name_map_in_another_normal_form_is_used(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{f"{NFC} & x.jpg": b"1"})
    account.add(f"{NFC} _ x", b"1")
    (tmp_path / "d/.cld-sync").write_text(f'{{"{NFC} & x.jpg": "{NFD} _ x.jpg"}}', encoding="utf-8")
    assert "Skipping 1 items" in sync("--pull", "-F").err


@pytest.mark.parametrize(("here", "there"), [(NFD, NFC), (NFC, NFD)])
def test_a_folder_is_found_in_either_normal_form(
    box: SandboxClient, invoke: Run, home: Path, tmp_path: Path, here: str, there: str
) -> None:
    parent = "composed" if here == NFC else "decomposed"
    env = box.server.environment(home)
    make(tmp_path / "d", "a.jpg", "b.jpg")
    assert invoke("sync", "d", f"{parent}/{here}", "--push", "--exclude", "b.jpg", env=env).code == 0
    assert "Synced | 1" in invoke("sync", "d", f"{parent}/{there}", "--push", env=env).err
    pulled = invoke("sync", "p", f"{parent}/{there}", "--pull", env=env)
    assert pulled.code == 0 and sorted(tree(tmp_path / "p")) == ["a.jpg", "b.jpg"]
    assert "Skipping 2 items" in invoke("sync", "d", f"{parent}/{here}", "--pull", env=env).err


def test_filters_compare_in_normal_form(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", f"{NFD}.jpg", "a.jpg")
    assert sync("--push", "--exclude", NFC + "*").code == 0
    assert [request.files["file"].filename for request in account.sent("POST", "/upload")] == ["a.jpg"]


# -- one file under two names: on every disk, links have the effect of a case-insensitive disk


@posix
@pytest.mark.parametrize("content", [b"old", b"new"])
def test_a_downloaded_file_is_not_deleted_under_its_other_name(
    sync: Run, account: Account, tmp_path: Path, content: bytes
) -> None:
    make(tmp_path / "d", **{"photos/img.jpg": content})
    (tmp_path / "d/Photos").symlink_to("photos")
    account.add("img", b"new", asset_folder="f/Photos")
    done = sync("--pull", "-F")
    assert done.code == 0 and tree(tmp_path / "d")["photos/img.jpg"] == b"new"
    assert "Skipping 1 items" in sync("--pull", "-F").err


@posix
def test_two_assets_that_lead_to_one_file_fail_with_both_names(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"photos/img.jpg": b"1", "old.jpg": b"old"})
    (tmp_path / "d/Photos").symlink_to("photos")
    account.add("img", b"1", asset_folder="f/photos")
    account.add("img", b"2", asset_folder="f/Photos")
    for args in ("--dry-run",), ():
        done = sync("--pull", "-F", *args)
        assert "'Photos/img.jpg' and 'photos/img.jpg' are one file on this disk." in done.err
    assert done.code == 1 and tree(tmp_path / "d")["photos/img.jpg"] == b"1"
    assert (tmp_path / "d/old.jpg").exists(), "nothing is deleted after a failure"


@posix
def test_a_written_file_is_recognized_behind_links(tmp_path: Path) -> None:
    make(tmp_path, "photos/a.jpg", "photos/b.jpg")
    (tmp_path / "Photos").symlink_to("photos")
    files = [LocalFile(name, name, str(tmp_path / name), 1, 1) for name in ("photos/a.jpg", "photos/b.jpg", "gone.jpg")]
    assert other_files(files, [str(tmp_path / "Photos/a.jpg"), str(tmp_path / "never")]) == files[1:]


@posix
def test_hard_links_are_two_files(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"1"})
    os.link(tmp_path / "d/a.jpg", tmp_path / "d/b.jpg")
    account.add("a", b"new a")
    assert sync("--pull", "-F").code == 0
    assert tree(tmp_path / "d") == {"a.jpg": b"new a"}


def test_assets_that_differ_in_case_are_two_files_on_a_case_sensitive_disk(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    if is_one_name(str(tmp_path), "a", "A"):
        pytest.skip("this disk is case-insensitive")
    account.add("IMG", b"1")
    account.add("img", b"2")
    assert sync("--pull").code == 0
    assert tree(tmp_path / "d") == {"IMG.jpg": b"1", "img.jpg": b"2"}


# -- a case-insensitive disk


@pytest.fixture
def case_insensitive_sync(account: Account, cld: Run, case_insensitive_disk: CaseInsensitiveDisk) -> Run:
    """Run `cld sync d f --pull -F` on a case-insensitive disk."""
    return lambda *args: cld(
        "-c",
        account.config_url(),
        "sync",
        "d",
        "f",
        "--pull",
        "-F",
        *args,
        cwd=case_insensitive_disk.path,
        env=case_insensitive_disk.env,
    )


@pytest.mark.parametrize("content", [b"old", b"new"])
@pytest.mark.parametrize(("here", "there"), [("img.jpg", "f"), ("photos/img.jpg", "f/Photos")])
def test_a_pull_with_a_name_in_another_case_keeps_the_file(
    case_insensitive_sync: Run,
    account: Account,
    case_insensitive_disk: CaseInsensitiveDisk,
    content: bytes,
    here: str,
    there: str,
) -> None:
    make(case_insensitive_disk.path / "d", **{here: content, "old.jpg": b"old"})
    account.add("IMG", b"new", asset_folder=there)
    done = case_insensitive_sync()
    assert done.code == 0 and tree(case_insensitive_disk.path / "d") == {here: b"new"}
    assert "Skipping 1 items" in case_insensitive_sync().err


def test_two_assets_for_one_local_name_fail_and_the_others_are_pulled(
    case_insensitive_sync: Run, account: Account, case_insensitive_disk: CaseInsensitiveDisk
) -> None:
    make(case_insensitive_disk.path / "d", "old.jpg")
    for name in ("IMG", "img", "a"):
        account.add(name)
    for _ in range(2):
        done = case_insensitive_sync()
        assert done.code == 1 and "2 failed" in done.err
        assert "'IMG.jpg' and 'img.jpg' are one file on this disk. Rename one of the assets." in done.err
        assert "'img.jpg' and 'IMG.jpg' are one file on this disk. Rename one of the assets." in done.err
    assert tree(case_insensitive_disk.path / "d") == {"a.jpg": b"a", "old.jpg": b"old.jpg"}
    assert sorted(os.listdir(case_insensitive_disk.path / "d")) == ["a.jpg", "old.jpg"]


def test_an_asset_with_the_local_name_of_another_asset_is_one_failure(
    case_insensitive_sync: Run, account: Account, case_insensitive_disk: CaseInsensitiveDisk
) -> None:
    make(case_insensitive_disk.path / "d", **{"IMG.jpg": b"1"})
    account.add("IMG", b"1")
    account.add("img", b"2")
    done = case_insensitive_sync()
    assert done.code == 1 and "1 failed" in done.err and "'img.jpg' and 'IMG.jpg' are one file" in done.err
    assert tree(case_insensitive_disk.path / "d") == {"IMG.jpg": b"1"}
