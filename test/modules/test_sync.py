"""`cld sync` end to end: every option, text and exit code."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from cloudinary_cli.config.store import ConfigStore
from cloudinary_cli.sandbox.server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.modules.raw_server import RawServer
from test.modules.sync_world import Account, deleted_ids, fails_for, line_with, make, md5, tree
from test.support.cloudinary_server import Reply
from test.support.sandbox_client import SandboxClient

Run = Callable[..., Any]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX file types")
NO = Reply(400, {"error": {"message": "not today"}})


@pytest.fixture(autouse=True)
def no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))


@pytest.fixture(scope="module", params=["fixed", "dynamic"])
def server_of_mode(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = SandboxSettings(data_dir=tmp_path_factory.mktemp("box"), auto_approve=True, folder_mode=request.param)
    with SandboxServer(settings, threads=40) as server:
        yield server


@pytest.fixture
def boxed(server_of_mode: Any, invoke: Run, home: Path) -> Run:
    """Run `cld sync ARGS` against a sandbox, once in each folder mode."""
    SandboxClient(server_of_mode).reset()
    env = server_of_mode.environment(home)
    return lambda *args: invoke("sync", *args, env=env)


# -- against the sandbox, in both folder modes


def test_there_and_back_again(boxed: Run, tmp_path: Path) -> None:
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


def test_names_that_normalise_alike_are_all_synced(boxed: Run, tmp_path: Path) -> None:
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


def test_a_png_in_the_place_of_a_jpg_survives_the_deletion_of_the_jpg(boxed: Run, tmp_path: Path) -> None:
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


def test_a_private_asset_is_pulled_by_a_signed_url_that_is_not_shown(
    boxed: Run, tmp_path: Path, server_of_mode: Any
) -> None:
    make(tmp_path / "d", "a.jpg")
    assert boxed("d", "priv", "--push", "-o", "type", "private").code == 0
    pulled = boxed("p", "priv", "--pull", "--report", "r.jsonl")
    assert pulled.code == 0 and tree(tmp_path / "p") == {"a.jpg": b"a.jpg"}
    asked = [entry["path"] for entry in SandboxClient(server_of_mode).requests("/sandbox/image/private")]
    signature = asked[0].split("/s--")[1].split("--/")[0]
    assert signature not in (tmp_path / "r.jsonl").read_text() + pulled.text


# -- usage


@pytest.mark.parametrize("args", [[], ["--push", "--pull"]])
def test_exactly_one_direction(sync: Run, account: Account, args: List[str]) -> None:
    done = sync(*args)
    assert done.code == 1 and "Please use either the '--push' OR '--pull' options" in done.err
    assert not account.server.requests


def test_no_workers_is_refused_before_anything(sync: Run, account: Account) -> None:
    done = sync("--push", "-w", "0")
    assert done.code == 1 and "Error: Invalid value for '-w'" in done.err and not account.server.requests


@pytest.mark.parametrize(
    "args", [("--shard", "3/2"), ("--exclude", ""), ("--retry-failed", "none"), ("--report", "no/x")]
)
def test_bad_values_are_one_line_before_anything(sync: Run, account: Account, tmp_path: Path, args: Any) -> None:
    make(tmp_path / "d", "a.jpg")
    done = sync("--push", *args)
    assert done.code == 1 and done.err.startswith("error: ") and done.err.count("\n") == 1
    assert not account.server.requests


def test_missing_source_folders(sync: Run, account: Account) -> None:
    done = sync("--push")
    assert done.code == 1 and "error: Cannot push a non-existent local folder 'd'" in done.err
    account.server.on("POST", "/folders/search", {"total_count": 0})
    done = sync("--pull")
    assert done.code == 1 and "error: Cannot pull from a non-existent Cloudinary folder 'f'" in done.err
    assert "Cloudinary folder 'f' does not exist (dynamic folder mode)." in done.err


def test_a_folder_mode_that_cannot_be_read(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.server.on("GET", "/config", NO)
    done = sync("--push")
    assert done.code == 1 and "error: Failed getting cloud configuration, error: " in done.err
    assert sync("--push", "-fm", "DYNAMIC").code == 0


def test_status_and_texts_of_the_listing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    done = sync("--push", "-st", "ALL")
    assert done.err.splitlines() == [
        "Local folder 'd' is empty.",
        "Cloudinary folder 'f' is empty. (dynamic folder mode)",
        "Done!",
    ]
    assert account.sent("POST", "resources/search")[0].json["expression"].endswith(" AND status:(active OR pending)")


# -- uploads


def test_only_the_base_name_is_sent(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "sub/secret-name.jpg")
    assert sync("--push").code == 0
    (request,) = account.sent("POST", "/upload")
    assert request.files["file"].filename == "secret-name.jpg" and request.field("asset_folder") == "f/sub"
    assert str(tmp_path).encode() not in request.body and b"d/sub" not in request.body


def test_default_options_and_what_overrides_them(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    sync("--push")
    sync("--push", "-fm", "fixed")
    options = ("-o", "folder", "else", "-o", "tags", "x", "-O", "use_filename", "false", "-O", "context", '{"k": "v"}')
    sync("--push", "-fm", "fixed", *options)
    dynamic, fixed, given = account.sent("POST", "/upload")
    assert "/auto/upload" in dynamic.path and dynamic.field("use_filename_as_display_name") == "1"
    expected = {"use_filename": "1", "unique_filename": "0", "invalidate": "1", "folder": "f"}
    assert {name: fixed.field(name) for name in expected} == expected and fixed.field("asset_folder") is None
    changed = {**expected, "use_filename": "0", "tags": "x", "context": "k=v"}
    assert {name: given.field(name) for name in changed} == changed


def test_an_overwritten_asset_keeps_its_public_id_and_type(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", **{"a.jpg": b"new"})
    account.add("a", public_id="other/x", type="private")
    assert sync("--push").code == 0
    (request,) = account.sent("POST", "/upload")
    assert (request.field("public_id"), request.field("type"), request.field("invalidate")) == (
        "other/x",
        "private",
        "1",
    )


def test_an_asynchronous_upload_is_said_and_not_recorded(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a &.jpg")
    account.server.on("POST", "/upload", {"batch_id": "b1", "status": "pending"})
    done = sync("--push", "-o", "async", "true")
    assert done.code == 0 and "Uploading d/a &.jpg asynchronously with batch_id: b1" in done.err
    assert not (tmp_path / "d/.cld-sync").exists()


def test_a_failed_upload_is_said_counted_and_does_not_stop_the_others(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg", "c.jpg")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.answer_upload))
    done = sync("--push", "--json")
    assert done.code == 1 and "error: Failed uploading d/b.jpg, error: not today" in done.err
    assert "Successfully uploaded d/c.jpg as f/c.jpg with public_id: " in done.err
    assert "Sync did not finish successfully" in done.err.splitlines()[-1]
    summary = json.loads(done.out)
    assert (summary["synced"], summary["failed"], summary["command"]) == (2, 1, "sync")
    assert sync("--push", env={"CLOUDINARY_CLI_EXIT_CODES": "detailed"}).code == 8


# -- T rows: safety


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


def test_a_dry_run_removes_no_empty_directory(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only/here.jpg")
    (tmp_path / "d/empty").mkdir()
    account.add("a")
    done = sync("--pull", "--dry-run", "-F")
    assert done.code == 0 and f"Would delete '{os.path.join('d', 'only/here.jpg')}'" in done.err
    assert "The following files would be downloaded:\na.jpg\n" in done.err and "Sync Status" not in done.err
    assert (tmp_path / "d/empty").is_dir() and sorted(tree(tmp_path / "d")) == ["only/here.jpg"]
    assert not (tmp_path / "home").exists()


def test_a_real_pull_removes_empty_directories_but_not_hidden_ones(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only/here.jpg")
    (tmp_path / "d/empty/er").mkdir(parents=True)
    (tmp_path / "d/.git/refs").mkdir(parents=True)
    account.add("a")
    assert sync("--pull", "-F").code == 0
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [".git", "a.jpg"]
    assert (tmp_path / "d/.git/refs").is_dir()


def test_deletions_come_last(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "new.jpg")
    account.add("old")
    assert sync("--push", "-F").code == 0
    assert account.changes == ["POST /v1_1/demo/auto/upload", "DELETE /v1_1/demo/resources/image/upload"]


def test_a_failed_upload_prevents_the_deletions(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "new.jpg")
    account.add("old")
    account.server.on("POST", "/upload", NO)
    done = sync("--push", "-F", "--report", "r.jsonl", "--json")
    assert done.code == 1 and account.changes == ["POST /v1_1/demo/auto/upload"]
    assert "1 files are not deleted" in done.err
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [(line["path"], line["status"]) for line in lines] == [("new.jpg", "failed"), ("old.jpg", "skipped")]
    assert json.loads(done.out)["deleted"] == 0


def test_a_failed_download_prevents_the_deletions(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "only-here.jpg")
    account.add("a", public_id="gone")
    account.server.on("GET", "/gone.jpg", Reply(404, b"", {"X-Cld-Error": "Resource not found"}))
    done = sync("--pull", "-F")
    assert done.code == 1 and (tmp_path / "d/only-here.jpg").exists()
    assert line_with(done.err, "/gone.jpg, status code: 404, details: Resource not found").startswith(  # type: ignore[union-attr]
        "error: Failed downloading: http://"
    )


def test_an_empty_source_deletes_nothing_unless_it_is_said_how_much(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d")
    for name in "abc":
        account.add(name)
    done = sync("--push", "-F")
    assert done.code == 1 and not account.changes
    assert "is empty, so all 3 files of Cloudinary folder 'f' would be deleted" in done.err.splitlines()[-1]
    assert sync("--push", "-F", "--max-delete", "2").code == 1 and not account.changes
    assert sync("--push", "-K").code == 0 and not account.changes
    assert sync("--push", "-F", "--dry-run").code == 0 and not account.changes
    assert sync("--push", "-F", "--max-delete", "3").code == 0 and len(account.changes) == 1


def test_an_empty_remote_folder_does_not_empty_the_local_one(sync: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    done = sync("--pull", "-F")
    assert done.code == 1 and len(tree(tmp_path / "d")) == 2 and "--max-delete 2" in done.err


def test_max_delete_refuses_before_anything_is_changed(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x"), account.add("y")
    done = sync("--push", "-F", "--max-delete", "1")
    assert done.code == 1 and "2 files would be deleted, more than --max-delete 1 allows" in done.err
    assert not account.changes
    assert sync("--push", "-F", "--max-delete", "2").code == 0


def test_deliveries_are_asked_for_by_https(account: Account, invoke: Run) -> None:
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


# -- T rows: results


def test_a_failure_that_is_no_answer_is_counted_and_takes_nobody_along(
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


def test_a_host_that_is_unknown_is_a_failure_of_each_item(account: Account, invoke: Run) -> None:
    account.add("a"), account.add("b")
    url = account.server.config_url(secure_distribution="nowhere.invalid", private_cdn="true", secure="true")
    done = invoke("-c", url, "sync", "d", "f", "--pull")
    assert done.code == 1 and "Failed | 2" in done.err and "Synced | 0" in done.err


def test_a_deletion_that_did_not_happen_is_a_failure(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("keep"), account.add("x", public_id="x"), account.add("y", public_id="y")
    account.server.on("DELETE", "/image/upload", {"deleted": {"x": "deleted", "y": "not_found"}})
    done = sync("--push", "-F", "--json")
    assert done.code == 1 and "error: Failed deletes: y, error: the server says 'not_found'" in done.err
    assert "Done!" not in done.err and json.loads(done.out)["deleted"] == 1 and json.loads(done.out)["failed"] == 1


def test_a_refused_deletion_is_a_failure_of_each_asset(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("x"), account.add("y")
    account.server.on("DELETE", "/image/upload", NO)
    done = sync("--push", "-F", "--json")
    assert done.code == 1 and json.loads(done.out)["failed"] == 2


def test_a_deletion_whose_answer_was_lost_is_done_all_the_same(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    account.add("x", public_id="x")
    lost = Reply(502, {"error": {"message": "lost"}})
    account.server.on("DELETE", "/image/upload", lost, {"deleted": {"x": "not_found"}})
    assert sync("--push", "-F").code == 0


def test_assets_without_display_name_are_called_by_their_public_id(sync: Run, account: Account, tmp_path: Path) -> None:
    for public_id in ("one", "two"):
        account.add("", public_id.encode(), public_id=public_id, display_name=...)
    assert sync("--pull").code == 0
    assert tree(tmp_path / "d") == {"one.jpg": b"one", "two.jpg": b"two"}


def test_results_without_format_or_date_do_no_harm(sync: Run, account: Account, tmp_path: Path) -> None:
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
def test_a_broken_link_and_a_pipe_do_not_stop_or_hang_a_push(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "sl/c.jpg")
    os.symlink("/nonexist", tmp_path / "d/sl/b.jpg")
    os.mkfifo(tmp_path / "d/sl/pipe")
    account.add("x")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", "-F", timeout=30)
    assert done.code == 1 and "error: 'sl/b.jpg' is left out: it is a broken link." in done.err
    assert "warning: 'sl/pipe' is left out: it is a named pipe." in done.err
    assert "Synced | 2" in done.err and "Failed | 1" in done.err
    # What the link stands for is unknown, so nothing is deleted.
    assert not account.sent("DELETE")
    assert cld("-c", account.config_url(), "sync", "d", "f", "--push", "-F", "--exclude", "b.jpg", timeout=30).code == 0


@posix
def test_in_a_pull_they_are_only_warnings(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    os.symlink("/nonexist", tmp_path / "d/b.jpg")
    account.add("b")
    assert sync("--pull").code == 0
    assert tree(tmp_path / "d") == {"b.jpg": b"b"}


@pytest.mark.parametrize("text", ["{bad", '["a"]'])
def test_a_corrupt_map_is_named_before_anything_is_asked(
    sync: Run, account: Account, tmp_path: Path, text: str
) -> None:
    make(tmp_path / "d", "a.jpg")
    (tmp_path / "d/.cld-sync").write_text(text)
    for direction in ("--push", "--pull"):
        done = sync(direction)
        assert done.code == 1 and os.path.join("d", ".cld-sync") in done.err and done.err.count("\n") == 1
    assert not account.server.requests and (tmp_path / "d/.cld-sync").read_text() == text


def test_a_dry_run_asks_nothing_and_changes_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("x", public_id="x1"), account.add("a")
    (tmp_path / "d/.cld-sync").write_text('{"gone.jpg": "g.jpg"}')
    done = sync("--push", "--dry-run", "--json")
    assert done.code == 0 and not account.changes and "Continue?" not in done.err
    assert "Dry run mode enabled. Would delete 1 resources:\nx1\n" in done.err
    assert "The following files would be uploaded:\na.jpg\nb.jpg\n" in done.err
    plan = json.loads(done.out)["plan"]
    assert plan["upload"] == ["a.jpg", "b.jpg"] and plan["delete"] == [{"path": "x.jpg", "public_id": "x1"}]
    assert "gone.jpg" in (tmp_path / "d/.cld-sync").read_text()


def test_without_a_person_the_prompt_names_the_options(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = sync("--push")
    assert done.code == 1 and not account.changes and done.out == ""
    assert "(-F)" in done.err and "(-K)" in done.err
    assert done.err.count("Aborting...") == 1


@pytest.mark.parametrize(
    ("answer", "code", "changes"), [("y", 0, 2), ("Y", 0, 2), ("k", 0, 1), ("n", 1, 0), ("", 1, 0), ("maybe", 1, 0)]
)
def test_the_answers_to_the_question(
    cld: Run, account: Account, tmp_path: Path, answer: str, code: int, changes: int
) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = cld("-c", account.config_url(), "sync", "d", "f", "--push", input=answer + "\n")
    assert done.code == code and len(account.changes) == changes and done.out == ""
    assert "will delete 1 remote files" in done.err and "Continue? (y/k/N) " in done.err
    assert ("Keeping 1 remote files..." in done.err) is (answer == "k")


def test_keep_wins_over_force(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg")
    account.add("x")
    done = sync("--push", "-F", "-K")
    assert done.code == 0 and not account.sent("DELETE") and "Keeping 1 remote files..." in done.err
    assert "Keeping 1 local files..." in sync("--pull", "-K").err


# -- T rows: waste


def test_as_few_deletion_calls_as_possible(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "keep.jpg")
    for number in range(60):
        account.add(f"n{number:02}", public_id=f"n{number:02}", resource_type=("image", "video")[number % 2])
    done = sync("--push", "-F", "-D", "30")
    assert done.code == 0 and "Deleted 60 resources" in done.err
    assert "Deleting 30 resources of type upload video" in done.err
    calls = account.sent("DELETE")
    assert sorted(request.path.rsplit("/", 2)[1] for request in calls) == ["image", "video"]
    assert [len(deleted_ids(request)) for request in calls] == [30, 30]


def test_what_did_not_change_is_not_read_again(cld: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("a", b"a.jpg"), account.add("b", b"b.jpg")
    old = time.time() - 3600
    for name in ("a.jpg", "b.jpg"):
        os.utime(tmp_path / "d" / name, (old, old))
    time.sleep(2.1)  # the inode's own time cannot be set back
    assert "Skipping 2 items" in cld("-c", account.config_url(), "sync", "d", "f", "--push").err
    (cache,) = (tmp_path / "home/cache").iterdir()
    assert len(json.loads(cache.read_text())["files"]) == 2
    lied = cache.read_text().replace(md5(b"a.jpg"), md5(b"z"))
    cache.write_text(lied)
    # Only a hash that was not taken again can be wrong.
    assert "'a.jpg' is out of sync" in cld("-c", account.config_url(), "sync", "d", "f", "--push", "--dry-run").err


def test_include_and_exclude_hold_for_both_sides(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.tmp", "tmp/c.jpg", "tmp/keep.jpg")
    account.add("old", asset_folder="f/tmp"), account.add("gone")
    done = sync("--push", "-F", "--include", "tmp/keep.jpg", "--exclude", "*.tmp", "--exclude", "tmp/")
    assert done.code == 0
    assert sorted(str(r.files["file"].filename) for r in account.sent("POST", "/upload")) == ["a.jpg", "keep.jpg"]
    assert [list(deleted_ids(request)) for request in account.sent("DELETE")] == [["id-1"]]


def test_shards_do_the_whole_between_them_and_delete_nothing(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number}.jpg" for number in range(30)))
    account.add("old")
    sizes = []
    for number in (1, 2, 3):
        done = sync("--push", "-F", "--shard", f"{number}/3", "--json")
        assert done.code == 0
        sizes.append(json.loads(done.out)["synced"])
    names = [request.files["file"].filename for request in account.sent("POST", "/upload")]
    assert len(names) == len(set(names)) == 30 == sum(sizes) and min(sizes) > 0
    assert not account.sent("DELETE")


def test_retry_failed_does_what_the_report_says_was_not_done(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.answer_upload))
    assert sync("--push", "--report", "r.jsonl").code == 1
    account.server.on("POST", "/upload", account.answer_upload)
    make(tmp_path / "d", "later.jpg")
    before = len(account.sent("POST", "/upload"))
    assert sync("--push", "--retry-failed", "r.jsonl", "--report", "r.jsonl").code == 0
    (retried,) = account.sent("POST", "/upload")[before:]
    assert retried.files["file"].filename == "b.jpg"
    (line,) = Path("r.jsonl").read_text().splitlines()
    item: Dict[str, Any] = json.loads(line)
    assert (item["path"], item["status"], item["action"], item["error"]) == ("b.jpg", "ok", "upload", None)
    assert item["etag"] == md5(b"b.jpg") and item["public_id"] and item["bytes"] == 5


def test_the_order_is_that_of_the_paths_in_every_run(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", *(f"{number:02}.jpg" for number in range(40)))
    runs = [
        [line.split(" as ")[0] for line in sync("--push", "-w", "7").err.splitlines() if "uploaded" in line]
        for _ in range(2)
    ]
    assert runs[0] == runs[1] == [f"Successfully uploaded d/{number:02}.jpg" for number in range(40)]


def test_the_summary_is_json_on_stdout(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("a", b"a.jpg")
    summary = json.loads(sync("--push", "--json").out)
    assert summary.pop("seconds") > 0
    assert summary == {
        "command": "sync",
        "direction": "push",
        "local_folder": "d",
        "cloudinary_folder": "f",
        "in_sync": 1,
        "synced": 1,
        "deleted": 0,
        "skipped": 0,
        "failed": 0,
        "cancelled": 0,
        "bytes": 5,
        "dry_run": False,
        "interrupted": False,
        "stopped": None,
    }


def test_stale_entries_go_also_when_nothing_is_uploaded(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "e & f.jpg")
    account.add("a", b"a.jpg"), account.add("e _ f", b"e & f.jpg")
    (tmp_path / "d/.cld-sync").write_text('{"gone.jpg": "g_one.jpg", "e & f.jpg": "e _ f.jpg"}')
    done = sync("--push")
    assert done.code == 0 and "Skipping 2 items" in done.err
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"e & f.jpg": "e _ f.jpg"}


def test_the_map_is_written_after_failures_too(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "e & f.jpg", "x.jpg")
    account.server.on("POST", "/upload", fails_for("x.jpg", NO, account.answer_upload))
    assert sync("--push").code == 1
    assert json.loads((tmp_path / "d/.cld-sync").read_text()) == {"e & f.jpg": "e _ f.jpg"}


def test_hidden_files_only_on_request(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", ".h.jpg", ".git/x.jpg", ".cld-part-1")
    sync("--push")
    assert len(account.sent("POST", "/upload")) == 1
    assert "Found 3 items" in sync("--push", "-H").err


def test_three_duplicates_beside_a_real_image_1(sync: Run, account: Account, tmp_path: Path) -> None:
    account.add("Image (1)", b"real")
    for content in (b"one", b"two", b"three"):
        account.add("Image", content)
    assert sync("--pull").code == 0
    expected = {"Image (1).jpg": b"real", "Image (2).jpg": b"one", "Image (3).jpg": b"two", "Image (4).jpg": b"three"}
    assert tree(tmp_path / "d") == expected
    assert "Skipping 4 items" in sync("--pull").err


def test_the_api_secret_reaches_no_stream_and_no_file(account: Account, invoke: Run, tmp_path: Path) -> None:
    make(tmp_path / "d", "a.jpg", "b.jpg")
    account.add("p", type="private", public_id="p")
    account.server.on("POST", "/upload", fails_for("b.jpg", NO, account.answer_upload))
    url = account.config_url().replace("key:secret@", "key:hush-hush@")
    arguments = ("-v", "DEBUG", "-c", url, "sync", "d", "f")
    done = [
        invoke(*arguments, "--push", "-K", "--report", "push"),
        invoke(*arguments, "--pull", "-K", "--report", "pull"),
    ]
    said = [*(run.text for run in done), Path("push").read_text(), Path("pull").read_text()]
    assert [run.code for run in done] == [1, 0] and all("hush-hush" not in text for text in said)


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


def test_what_only_a_signed_url_delivers_is_a_clear_failure_for_a_login() -> None:
    from cloudinary_cli.errors import ConfigError
    from cloudinary_cli.transfer.actions import delivery_url
    from cloudinary_cli.transfer.engine.records import RemoteAsset

    asset = RemoteAsset("a.jpg", "a", type="private", format="jpg")
    with pytest.raises(ConfigError, match="needs an API secret"):
        delivery_url(asset, {"cloud_name": "demo", "oauth_token": "t"})


def test_a_login_at_the_sandbox_pulls_what_it_pushed(
    box: SandboxClient, store: ConfigStore, invoke: Run, tmp_path: Path
) -> None:
    """The saved login has no delivery address: nothing must be asked of res.cloudinary.com."""
    box.save_login(store, "box", stale=False)
    make(tmp_path / "d", "a.jpg", "s/b.bin")
    for arguments in (("d", "pulled", "--push"), ("p", "pulled", "--pull")):
        done = invoke("-C", "box", "sync", *arguments)
        assert done.code == 0, done.err
    assert sorted(tree(tmp_path / "p").values()) == sorted(tree(tmp_path / "d").values())


@pytest.mark.skipif(not os.path.exists("/proc/self/io"), reason="reads what this process has read from /proc")
def test_for_an_empty_remote_folder_no_file_is_read_whole(sync: Run, account: Account, tmp_path: Path) -> None:
    make(tmp_path / "d")
    each, count = 1_000_000_000, 6
    for number in range(count):
        with open(tmp_path / f"d/{number:02}.jpg", "wb") as file:
            file.truncate(each)  # sparse: it takes no room

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = bytes_read()
    done = sync("--push", "--dry-run")
    assert done.code == 0 and f"Found {count} items in local folder 'd'" in done.err
    assert bytes_read() - before < 2 * each, "four are begun at once, and given up when the listing is there"


def test_the_answers_of_the_server_are_shown_at_debug_on_stderr_without_signatures(
    sync: Run, account: Account, tmp_path: Path
) -> None:
    make(tmp_path / "d", "a.jpg")
    answer = {"public_id": "x", "signature": "5f3a", "secure_url": "https://res.example/demo/s--letmein--/x.jpg"}
    account.server.on("POST", "/upload", answer)
    assert '"public_id"' not in sync("--push").err
    done = sync("--push", "-v", "DEBUG", "--json")
    assert 'debug:   "public_id": "x",' in done.err.splitlines() and json.loads(done.out)["synced"] == 1
    assert "5f3a" not in done.text and "letmein" not in done.text
