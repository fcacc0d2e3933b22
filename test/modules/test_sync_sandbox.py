"""`cld sync` against the sandbox: round trips in both folder modes, and with a login."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudinary_cli.config.store import ConfigStore
from test.support.commands import Run
from test.support.plans import delete_assets
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make, tree


def test_a_pushed_folder_is_pulled_unchanged(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/b.PNG", "s/t/c.mp4", "e & f.jpg", "same.jpg", "same.png")
    assert "Synced | 6" in boxed("d", "back", "--push").err
    again = boxed("d", "back", "--push")
    assert again.code == 0 and "Skipping 6 items" in again.err and "Synced" not in again.err
    assert again.err.endswith("Done!\n") and again.out == ""
    pulled = boxed("p", "back", "--pull")
    assert pulled.code == 0 and sorted(tree(tmp_path / "p").values()) == sorted(tree(tmp_path / "d").values())
    assert "Skipping 6 items" in boxed("p", "back", "--pull").err


def test_a_changed_file_replaces_its_asset_in_place(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/e & f.jpg")
    boxed("d", "place", "--push")
    make(tmp_path / "d", **{"a.jpg": b"new a", "s/e & f.jpg": b"new e"})
    done = boxed("d", "place", "--push")
    assert done.code == 0 and "warning: 'a.jpg' is out of sync\n" in done.err
    assert "warning: 's/e & f.jpg' is out of sync with 's/e _ f.jpg'\n" in done.err
    assert "Found 2 items in Cloudinary folder 'place'" in boxed("d", "place", "--push").err
    boxed("p", "place", "--pull")
    assert sorted(tree(tmp_path / "p").values()) == [b"new a", b"new e"]


def test_deleting_on_both_sides(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "s/b.jpg", "s/c.txt")
    boxed("d", "del", "--push")
    boxed("p", "del", "--pull")
    (tmp_path / "d/s/b.jpg").unlink()
    (tmp_path / "d/s/c.txt").unlink()
    done = boxed("d", "del", "--push", "-F")
    assert done.code == 0 and "Deleted 2 resources" in done.err
    pulled = boxed("p", "del", "--pull", "-F")
    assert pulled.code == 0 and sorted(tree(tmp_path / "p")) == ["a.jpg"]
    assert not (tmp_path / "p/s").exists() and "Deleted '" in pulled.err


def test_files_with_the_same_normalized_name_are_all_synced(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "a.jpeg", "a.JPG")
    done = boxed("d", "alike", "--push")
    assert "Found 3 items in local folder 'd'" in done.err and "Synced | 3" in done.err and done.code == 0
    assert "Skipping 3 items" in boxed("d", "alike", "--push").err
    boxed("p", "alike", "--pull")
    assert sorted(tree(tmp_path / "p")) == ["a (1).jpg", "a (2).jpg", "a.jpg"]
    assert tree(tmp_path / "p")["a.jpg"] == b"a.jpg"
    make(tmp_path / "d", **{"a.JPG": b"changed"})
    assert "Synced | 1" in boxed("d", "alike", "--push").err
    assert "Skipping 3 items" in boxed("d", "alike", "--push").err


def test_a_png_that_replaces_a_jpg_is_not_deleted_with_the_jpg(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    boxed("d", "swap", "--push")
    (tmp_path / "d/a.jpg").rename(tmp_path / "d/a.png")
    assert boxed("d", "swap", "--push", "-F").code == 0
    assert boxed("p", "swap", "--pull").code == 0
    assert tree(tmp_path / "p") == {"a.png": b"a.jpg"}


def test_the_root_folder(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "root-a.jpg")
    assert boxed("d", "/", "--push", "-K").code == 0
    assert "Cloudinary folder '/'" in boxed("d", "/", "--push", "-K").err
    assert boxed("p", "/", "--pull").code == 0
    assert tree(tmp_path / "p")["root-a.jpg"] == b"root-a.jpg"


def test_quotes_in_a_folder_name(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", 'a"b', "--push").code == 0
    assert "Skipping 1 items" in boxed("d", '/a"b/', "--push").err


def test_a_private_asset_is_pulled_by_a_signed_url_that_is_not_printed(
    boxed: Run, tmp_path: Path, server_of_mode: Any
) -> None:
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", "priv", "--push", "-o", "type", "private").code == 0
    pulled = boxed("p", "priv", "--pull", "--report", "r.jsonl")
    assert pulled.code == 0 and tree(tmp_path / "p") == {"a.jpg": b"a.jpg"}
    asked = [entry["path"] for entry in SandboxClient(server_of_mode).requests("/sandbox/image/private")]
    signature = asked[0].split("/s--")[1].split("--/")[0]
    assert signature not in (tmp_path / "r.jsonl").read_text() + pulled.text


def test_shards_that_start_together_keep_files_whose_names_differ_in_the_extension(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number}.{extension}" for number in range(4) for extension in ("jpg", "png")))
    for part in ("1", "2"):  # both have listed the empty folder when the first one uploads
        assert boxed("d", "parts", "--push", "--shard", f"{part}/2", "--dry-run", "--report", part).code == 0
    for part in ("1", "2"):
        assert boxed("d", "parts", "--push", "--items", part).code == 0
    assert boxed("p", "parts", "--pull").code == 0
    assert sorted(tree(tmp_path / "p").values()) == sorted(tree(tmp_path / "d").values())


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "type", "private"),
        ("-O", "use_asset_folder_as_public_id_prefix", "true"),
        ("-o", "public_id_prefix", "p"),
        ("-o", "folder", "other"),
    ],
)
def test_options_that_name_new_assets_do_not_rename_a_changed_one(
    boxed: Run, server_of_mode: Any, tmp_path: Path, options: Any
) -> None:
    delete_assets(SandboxClient(server_of_mode))
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", "named", "--push", *(() if "type" in options else options)).code == 0
    make(tmp_path / "d", **{"a.jpg": b"changed"})
    assert boxed("d", "named", "--push", *options).code == 0
    (asset,) = server_of_mode.state.assets("sandbox").all()
    assert asset["bytes"] == len(b"changed") and asset["type"] == "upload"


def test_a_new_private_file_does_not_overwrite_a_private_asset_with_another_extension(
    boxed: Run, tmp_path: Path
) -> None:
    for name in ("a.jpg", "a.png"):
        make(tmp_path / "d", name)
        assert boxed("d", "private", "--push", "-o", "type", "private").code == 0
    again = boxed("d", "private", "--push", "-o", "type", "private")
    assert "Found 2 items in Cloudinary folder" in again.err and "Skipping 2 items" in again.err, again.err


def test_without_the_name_map_a_file_whose_name_the_server_changes_is_not_uploaded_again(
    boxed: Run, server_of_mode: Any, tmp_path: Path
) -> None:
    delete_assets(SandboxClient(server_of_mode))
    make(tmp_path / "d", "s/Q&A.pdf", "100%.txt")
    for content in (b"1", b"2"):
        make(tmp_path / "d", **{"s/Q&A.pdf": content})
        assert boxed("d", "map", "--push", "-K").code == 0
        (tmp_path / "d/.cld-sync").unlink()
    assert len(list(server_of_mode.state.assets("sandbox").all())) == 2
    assert "Skipping 2 items" in boxed("d", "map", "--push").err
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"100%.txt": "100_.txt", "s/Q&A.pdf": "s/Q_A.pdf"}


def test_two_files_that_the_server_would_give_the_same_name_are_both_kept(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a&b.jpg", "a_b.jpg")
    assert boxed("d", "two", "--push").code == 0
    assert "Skipping 2 items" in boxed("d", "two", "--push").err
    assert boxed("p", "two", "--pull").code == 0
    assert tree(tmp_path / "p") == {"a_b.jpg": b"a_b.jpg", "a_b (1).jpg": b"a&b.jpg"}


def test_a_plan_keeps_the_recorded_names_of_other_files(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "e & f.JPG")
    assert boxed("d", "names", "--push").code == 0
    make(tmp_path / "d", "g & h.jpg")
    assert boxed("d", "names", "--push", "--dry-run", "--report", "plan").code == 0
    assert boxed("d", "names", "--push", "--items", "plan").code == 0
    again = boxed("d", "names", "--push")
    assert again.code == 0 and "Skipping 2 items" in again.err, again.err


def test_a_plan_deletes_no_asset_whose_file_exists_again_with_another_spelling_of_the_extension(
    boxed: Run, tmp_path: Path
) -> None:
    make(tmp_path / "d", "s/old.JPG", "a.jpg")
    assert boxed("d", "again", "--push").code == 0
    (tmp_path / "d/s/old.JPG").unlink()
    assert boxed("d", "again", "--push", "--dry-run", "--report", "plan").code == 0
    make(tmp_path / "d", "s/old.JPG")
    done = boxed("d", "again", "--push", "-F", "--items", "plan")
    assert done.code == 0 and "Skipped: s/old.jpg, a local file of this name exists again" in done.err, done.err
    assert "Skipping 2 items" in boxed("d", "again", "--push").err


def test_a_dry_run_of_a_plan_says_that_nothing_was_changed(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", "dry", "--push", "--dry-run", "--report", "plan").code == 0
    assert boxed("d", "dry", "--push", "--dry-run", "--items", "plan").err.endswith(
        "Nothing was changed (--dry-run).\n"
    )


def test_slashes_that_are_typed_twice_name_the_same_folder(boxed: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", "x//y", "--push").code == 0
    again = boxed("d", "//x/y//", "--push")
    assert (
        again.code == 0 and "Found 1 items in Cloudinary folder 'x/y'" in again.err and "Skipping 1 items" in again.err
    )
    assert "overlap" in boxed("d", "x/y", "--push", "--backup-folder", "x//y/old").err


def test_a_stale_login_is_renewed_once_for_all_workers(
    box: SandboxClient, cld: Run, home: Path, store: Any, tmp_path: Path
) -> None:
    make(tmp_path / "d", *(f"{number}.jpg" for number in range(12)))
    box.save_login(store)
    env = {**box.server.environment(home), "CLOUDINARY_URL": ""}
    box.call("DELETE", "requests")
    done = cld("-C", "box", "sync", "d", "by-login", "--push", "-w", "6", env=env)
    assert done.code == 0 and "Synced | 12" in done.err
    assert len(box.requests("/oauth2/token")) == 1


def test_a_login_at_the_sandbox_pulls_what_it_pushed(
    box: SandboxClient, store: ConfigStore, invoke: Run, tmp_path: Path
) -> None:
    """The saved login has no delivery host, and no request must be sent to res.cloudinary.com."""
    box.save_login(store, "box", stale=False)
    make(tmp_path / "d", "a.jpg", "s/b.bin")
    for arguments in (("d", "pulled", "--push"), ("p", "pulled", "--pull")):
        done = invoke("-C", "box", "sync", *arguments)
        assert done.code == 0, done.err
    assert sorted(tree(tmp_path / "p").values()) == sorted(tree(tmp_path / "d").values())
