"""`cld sync --items` against the sandbox, in both folder modes: a plan is carried out without a listing."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List
from urllib.parse import quote

import pytest

from cloudinary_cli.sandbox.sandbox_server import SandboxServer
from cloudinary_cli.sandbox.settings import SandboxSettings
from test.support.commands import Cld, Run, posix
from test.support.plans import calls, changes, lines_of, write_lines
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make, tree

FOLDER = "plans"


@pytest.fixture(params=["fixed", "dynamic"])
def mode_box(request: Any, tmp_path: Path) -> Iterator[SandboxClient]:
    """An empty sandbox, once in each folder mode."""
    settings = SandboxSettings(data_dir=tmp_path / "box", auto_approve=True, folder_mode=request.param)
    with SandboxServer(settings, threads=40) as server:
        yield SandboxClient(server)


@pytest.fixture
def env(mode_box: SandboxClient, home: Path) -> Dict[str, str]:
    found: Dict[str, str] = mode_box.server.environment(home)
    return {**found, "CLOUDINARY_URL": found["CLOUDINARY_URL"] + "&timeout=5"}


@pytest.fixture
def push(invoke: Run, env: Dict[str, str]) -> Run:
    return lambda *args: invoke("sync", "d", FOLDER, "--push", *args, env=env)


@pytest.fixture
def pull(invoke: Run, env: Dict[str, str]) -> Run:
    return lambda *args: invoke("sync", "p", FOLDER, "--pull", *args, env=env)


def plan(command: Run, *args: str) -> List[Dict[str, Any]]:
    """Write plan.jsonl, and return its lines."""
    done = command("--dry-run", "--report", "plan.jsonl", *args)
    assert done.code == 0, done.err
    return lines_of("plan.jsonl")


def pulled(pull: Run) -> Dict[str, bytes]:
    done = pull("-K")
    assert done.code == 0, done.err
    return tree(Path("p"))


def test_a_plan_is_carried_out_without_a_listing(push: Run, pull: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "s/b.PNG", "s/e & f.jpg", "s/t/c.bin")
    lines = plan(push)
    assert [(line["action"], line["path"], line["status"], line["bytes"], line["cloud"]) for line in lines] == [
        ("upload", name, "planned", len(name), "sandbox") for name in sorted(tree(Path("d")))
    ]
    assert changes(mode_box) == []
    mode_box.reset()
    done = push("--items", "plan.jsonl", "--report", "r.jsonl", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["synced"] == 4
    assert [call.rpartition("/")[2] for call in calls(mode_box)] == ["upload"] * 4
    assert {(line["path"], line["status"]) for line in lines_of("r.jsonl")} == {(line["path"], "ok") for line in lines}
    assert "Skipping 4 items" in push().err
    assert sorted(pulled(pull).values()) == sorted(tree(Path("d")).values())


def test_a_repeated_plan_creates_no_second_asset(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "s/b.jpg", "c.bin")
    plan(push)
    for _ in range(2):
        assert push("--items", "plan.jsonl").code == 0
    assert len(list(mode_box.server.state.assets("sandbox").all())) == 3


def test_a_changed_file_replaces_its_asset_with_its_current_content(push: Run, pull: Run) -> None:
    make("d", "a.jpg", "s/e & f.jpg", "a.jpeg")
    assert push().code == 0
    make("d", **{"a.jpg": b"new", "s/e & f.jpg": b"newer", "a.jpeg": b"newest"})
    lines = plan(push)
    assert [line.get("replaces") for line in lines] == [True] * 3 and all(line["etag"] for line in lines)
    make("d", **{"a.jpg": b"changed after the plan"})
    assert push("--items", "plan.jsonl").code == 0
    assert "Skipping 3 items" in push().err
    assert sorted(pulled(pull).values()) == [b"changed after the plan", b"newer", b"newest"]


def test_several_machines_do_everything_once(
    push: Run, pull: Run, cld: Cld, env: Dict[str, str], mode_box: SandboxClient
) -> None:
    names = [f"s{number % 3}/{number}.jpg" for number in range(20)]
    make("d", *names)
    make("d", "old1.jpg", "old2.jpg", "s1/old3.jpg")
    assert push("--include", "old*").code == 0
    for name in ("old1.jpg", "old2.jpg", "s1/old3.jpg"):
        Path("d", name).unlink()
    lines = plan(push)
    assert [line["action"] for line in lines] == ["upload"] * 20 + ["delete"] * 3
    mode_box.reset()
    reports = []
    for task in range(3):
        variables = {**env, "SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_COUNT": "3"}
        report = f"r{task}.jsonl"
        done = cld(
            *("sync", "d", FOLDER, "--push", "-F", "--items", "plan.jsonl", "--shard", "auto", "--report", report),
            env=variables,
        )
        assert done.code == 0, done.err
        assert f"Part {task + 1}/3 (Slurm)" in done.err
        reports += lines_of(report)
    assert sorted(line["path"] for line in reports) == sorted(line["path"] for line in lines)
    assert {line["status"] for line in reports} == {"ok"}
    assert calls(mode_box).count("POST /auto/upload") == 20
    assert "Skipping 20 items" in push().err
    assert sorted(pulled(pull)) == sorted(names)


def test_deletions_come_last_and_only_after_success(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "old.jpg")
    assert push("--include", "old.jpg").code == 0
    Path("d/old.jpg").unlink()
    plan(push)
    Path("d/a.jpg").unlink()
    mode_box.reset()
    done = push("--items", "plan.jsonl", "-F", "--report", "r.jsonl")
    assert done.code == 1 and "1 files are not deleted, because not everything was transferred." in done.err
    assert changes(mode_box) == []
    assert [(line["path"], line["status"]) for line in lines_of("r.jsonl")] == [
        ("a.jpg", "failed"),
        ("old.jpg", "skipped"),
    ]
    make("d", "a.jpg")
    done = push("--items", "plan.jsonl", "-F", "--retry-failed", "r.jsonl", "--report", "r.jsonl")
    assert done.code == 0 and "Deleted 1 resources" in done.err
    assert [call.partition(" ")[0] for call in changes(mode_box)] == ["POST", "DELETE"]
    assert "Skipping 1 items" in push().err


def test_deletions_need_a_yes_and_obey_the_limit(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "b.jpg", "c.jpg")
    assert push().code == 0
    Path("d/a.jpg").unlink()
    Path("d/b.jpg").unlink()
    assert len(plan(push)) == 2
    mode_box.reset()
    asked = push("--items", "plan.jsonl")
    assert asked.code == 1 and "Use --force (-F)" in asked.err
    refused = push("--items", "plan.jsonl", "-F", "--max-delete", "1")
    assert refused.code == 1 and "2 files would be deleted, more than --max-delete 1 allows" in refused.err
    assert push("--items", "plan.jsonl", "-K").code == 0
    assert changes(mode_box) == []
    assert push("--items", "plan.jsonl", "-F", "-D", "1").code == 0
    assert len(changes(mode_box)) == 2


def test_versions_of_assets_with_long_names_are_read_in_several_calls(push: Run, mode_box: SandboxClient) -> None:
    names = [f"{'é' * 80}-{number}.bin" for number in range(20)]
    make("d", "a.jpg", *names)
    assert push().code == 0
    for name in names:
        Path("d", name).unlink()
    lines = plan(push)
    ids = sum(len(quote(line["public_id"])) for line in lines)
    mode_box.reset()
    assert push("--items", "plan.jsonl", "-F", "--no-progress").code == 0
    seen = [call.partition(" ")[0] for call in calls(mode_box)]
    assert seen == (["GET", "GET", "DELETE"] if ids > 7000 else ["GET", "DELETE"])
    assert "Skipping 1 items" in push().err


def test_an_asset_that_is_no_longer_the_planned_one_is_kept(push: Run, mode_box: SandboxClient) -> None:
    make("d", "replaced.jpg", "again.jpg", "gone.jpg", "old.jpg", "kept.jpg")
    assert push().code == 0
    for name in ("replaced.jpg", "again.jpg", "gone.jpg", "old.jpg"):
        Path("d", name).unlink()
    write_lines("deletions.jsonl", [line for line in plan(push) if line["action"] == "delete"])
    make("d", "again.jpg")
    stored = mode_box.server.state.assets("sandbox")
    by_name = {str(line["path"]): line["public_id"] for line in lines_of("deletions.jsonl")}
    for asset in list(stored.all()):
        if asset["public_id"] == by_name["gone.jpg"]:
            stored.delete(asset["asset_id"])
    mode_box.call("POST", "clock", {"offset": 100})
    folder = {"public_id": by_name["replaced.jpg"], "overwrite": "true"}
    mode_box.put(folder.pop("public_id"), b"\xff\xd8\xff\xe0new\xff\xd9", **folder)
    done = push("--items", "deletions.jsonl", "-F", "--report", "r.jsonl")
    assert done.code == 0, done.err
    assert {line["path"]: (line["status"], line["error"]) for line in lines_of("r.jsonl")} == {
        "again.jpg": ("skipped", "a local file of this name exists again"),
        "replaced.jpg": ("skipped", "it has changed since the plan was made"),
        "gone.jpg": ("ok", None),
        "old.jpg": ("ok", None),
    }
    names = {asset["public_id"] for asset in stored.all()}
    assert by_name["replaced.jpg"] in names and by_name["old.jpg"] not in names


def test_nothing_is_deleted_if_the_versions_cannot_be_read(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "b.jpg")
    assert push().code == 0
    Path("d/a.jpg").unlink()
    plan(push)
    mode_box.fault("/v1_1/sandbox/resources/image/upload", None, method="GET", status=403)
    done = push("--items", "plan.jsonl", "-F")
    assert done.code == 1 and "1 failed: " in done.err, done.err
    assert not [call for call in calls(mode_box) if call.startswith("DELETE")]
    mode_box.clear_faults()
    mode_box.fault("/v1_1/sandbox/resources/image/upload", 1, method="GET", status=500)
    mode_box.fault("/v1_1/sandbox/resources/image/upload", 1, method="DELETE", mode="after")
    done = push("--items", "plan.jsonl", "-F")
    assert done.code == 0 and "Deleted 1 resources" in done.err, done.err


def test_the_names_that_the_server_changed_are_recorded(push: Run, pull: Run) -> None:
    make("d", "e & f.jpg", "a.jpg", "a.JPG", "b.jpg")
    plan(push)
    for part in ("1/2", "2/2"):
        assert push("--items", "plan.jsonl", "--shard", part).code == 0
    assert sorted(json.loads(Path("d/.cld-sync").read_text())) == ["a.JPG", "e & f.jpg"]
    assert "Skipping 4 items" in push().err
    assert sorted(pulled(pull)) == ["a (1).jpg", "a.jpg", "b.jpg", "e _ f.jpg"]


def test_a_push_needs_its_local_folder(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg")
    plan(push)
    Path("d").rename("other")
    done = push("--items", "plan.jsonl")
    assert done.code == 1 and "Cannot push a non-existent local folder 'd'" in done.err and changes(mode_box) == []


def test_a_pull_downloads_and_deletes_what_the_plan_says(push: Run, pull: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "s/b.jpg", "same.jpg")
    assert push().code == 0
    make("p", "old/o.jpg", "changed.jpg", "same.jpg", **{"a.jpg": b"another"})
    lines = plan(pull)
    assert [(line["action"], line["path"]) for line in lines] == [
        ("download", "a.jpg"),
        ("download", "s/b.jpg"),
        ("delete", "changed.jpg"),
        ("delete", "old/o.jpg"),
    ]
    make("p", **{"changed.jpg": b"after the plan"})
    mode_box.reset()
    done = pull("--items", "plan.jsonl", "-F")
    assert done.code == 0 and "Skipped: changed.jpg, it has changed since the plan was made" in done.err, done.err
    assert calls(mode_box) == []
    assert sorted(tree(Path("p"))) == ["a.jpg", "changed.jpg", "s/b.jpg", "same.jpg"]
    assert tree(Path("p"))["a.jpg"] == b"a.jpg" and not Path("p/old").exists()


def test_an_asset_that_changed_since_the_plan_is_a_failure_of_a_pull(
    push: Run, pull: Run, mode_box: SandboxClient
) -> None:
    make("d", "a.jpg")
    assert push().code == 0
    lines = plan(pull)
    mode_box.put(lines[0]["public_id"], b"\xff\xd8\xff\xe0another\xff\xd9", overwrite="true")
    done = pull("--items", "plan.jsonl")
    assert done.code == 1 and tree(Path("p")) == {}


def test_filters_and_dry_runs_select_from_the_plan(push: Run, mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "b.jpg", "s/c.jpg")
    plan(push)
    mode_box.reset()
    done = push("--items", "plan.jsonl", "--exclude", "s/", "--dry-run", "--report", "rest.jsonl")
    assert done.code == 0 and "upload a.jpg\nupload b.jpg\n" in done.err and changes(mode_box) == []
    assert [line["path"] for line in lines_of("rest.jsonl")] == ["a.jpg", "b.jpg"]
    assert push("--items", "rest.jsonl", "--include", "b*").code == 0
    assert "Skipping 1 items" in push("--dry-run").err


@posix
def test_a_plan_from_stdin_and_from_a_pipe(push: Run, cld: Cld, env: Dict[str, str], mode_box: SandboxClient) -> None:
    make("d", "a.jpg", "b.jpg")
    first, second = (json.dumps(line) + "\n" for line in plan(push))
    done = cld("sync", "d", FOLDER, "--push", "--items", "-", env=env, input=first)
    assert done.code == 0, done.err
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=(second,))
    writer.start()
    assert push("--items", "pipe").code == 0
    writer.join()
    assert "Skipping 2 items" in push().err
