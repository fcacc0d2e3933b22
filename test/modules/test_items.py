"""`--items` of `cld upload_dir`, `clone` and `regen_derived`, and the plans of all bulk commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from test.support.bulk_processes import interrupt, start, wait_until
from test.support.clone_accounts import Source, Target
from test.support.cloudinary_server import CloudinaryServer
from test.support.commands import Cld, Run, posix
from test.support.faults import pending_faults, plan_faults
from test.support.plans import calls, changes, delete_assets, lines_of
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make

JPG = b"\xff\xd8\xff\xe0%d\xff\xd9"


def items(*more: str) -> List[str]:
    return ["--items", "plan.jsonl", "--report", "r.jsonl", *more]


def dry(*more: str) -> List[str]:
    return ["--dry-run", "--report", "plan.jsonl", *more]


def fill(box: SandboxClient, count: int) -> None:
    """Store `count` assets, and delete all others."""
    delete_assets(box)
    for number in range(count):
        box.put(f"p{number:02}", JPG % number, tags="t", context="alt=x")


# -- upload_dir


def test_upload_dir_plans_and_uploads_in_parts(invoke: Run, cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    fill(box, 0)
    make("d", *(f"s{number % 2}/{number}.jpg" for number in range(12)), "skip.txt")
    done = invoke("upload_dir", "d", "-f", "shop", "-g", "**/*.jpg", *dry(), env=env)
    assert done.code == 0, done.err
    lines = lines_of("plan.jsonl")
    assert {line["folder"] for line in lines} == {"shop/d/s0", "shop/d/s1"} and len(lines) == 12
    box.reset()
    reports = []
    for task in range(2):
        variables = {**env, "JOB_COMPLETION_INDEX": str(task), "CLD_SHARD_COUNT": "2"}
        report = f"r{task}.jsonl"
        done = cld("upload_dir", "d", "--items", "plan.jsonl", "--shard", "auto", "--report", report, env=variables)
        assert done.code == 0, done.err
        reports += lines_of(report)
    assert sorted(line["path"] for line in reports) == sorted(line["path"] for line in lines)
    assert calls(box) == ["POST /auto/upload"] * 12
    found = {asset["asset_folder"] or asset["public_id"] for asset in box.server.state.assets("sandbox").all()}
    assert all(name.startswith("shop/d/s") for name in found)


def test_upload_dir_gets_through_transient_errors_and_repeats_failures(
    invoke: Run, env: Dict[str, str], box: SandboxClient
) -> None:
    fill(box, 0)
    make("d", *(f"{number}.jpg" for number in range(20)), "a.jpg")
    assert invoke("upload_dir", "d", *dry(), env=env).code == 0
    Path("d/a.jpg").unlink()
    plan_faults(box, "POST", "/v1_1/sandbox/auto/upload", 10)
    done = invoke("upload_dir", "d", *items("-w", "4"), env=env)
    assert done.code == 1 and "1 failed: " in done.err and "--retry-failed r.jsonl" in done.err, done.err
    assert pending_faults(box) < 10
    make("d", "a.jpg")
    box.clear_faults()
    box.reset()
    again = invoke("upload_dir", "d", *items("--retry-failed", "r.jsonl"), env=env)
    assert again.code == 0 and changes(box) == ["POST /auto/upload"]
    assert len(list(box.server.state.assets("sandbox").all())) == 21


@posix
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_stopped_part_is_continued(
    is_killed: bool, invoke: Run, env: Dict[str, str], box: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C from the report, after a lost machine with the same command: each file is stored once."""
    delete_assets(box)
    make("d", *(f"{number}.jpg" for number in range(20)))
    assert invoke("upload_dir", "d", "-fm", "dynamic", *dry(), env=env).code == 0
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    box.reset()
    monkeypatch.setenv("CLOUDINARY_URL", env["CLOUDINARY_URL"].replace("timeout=4", "timeout=30"))
    box.fault("/v1_1/sandbox/auto/upload", None, mode="after", delay=0.5)
    process = start("upload_dir", "d", *items("-w", "2"))
    wait_until(lambda: len(box.requests("/v1_1")) > 4, process)
    if is_killed:
        process.kill()
        process.wait(30)
    else:
        interrupt(process)
        assert process.wait(30) == 130
        assert "--items plan.jsonl --report r.jsonl -w 2 --retry-failed r.jsonl" in Path("err").read_text()
    box.clear_faults()
    more = [] if is_killed else ["--retry-failed", "r.jsonl"]
    done = invoke("upload_dir", "d", *items(*more), env=env)
    assert done.code == 0 and ("\n20 items of plan" in f"\n{done.err}") is is_killed, done.err
    assert len(box.server.state.assets("sandbox").all()) == 20


def test_shard_auto_needs_a_scheduler(invoke: Run, env: Dict[str, str], box: SandboxClient) -> None:
    make("d", "a.jpg")
    done = invoke("upload_dir", "d", "--shard", "auto", env=env)
    assert done.code == 1 and "--shard auto: no job scheduler was found. These variables are read: " in done.err
    assert calls(box) == []


def test_a_preview_of_a_repetition_keeps_the_report(invoke: Run, env: Dict[str, str]) -> None:
    make("d", "a.jpg")
    failed = json.dumps({"path": "a.jpg", "status": "failed", "error": "no"}) + "\n"
    Path("r.jsonl").write_text(failed)
    done = invoke("upload_dir", "d", "--dry-run", "--retry-failed", "r.jsonl", "--report", "r.jsonl", env=env)
    assert done.code == 0 and Path("r.jsonl").read_text() == failed


def test_a_plan_of_private_assets_has_no_signature(invoke: Run, env: Dict[str, str], box: SandboxClient) -> None:
    delete_assets(box)
    make("d", "a.jpg")
    assert invoke("sync", "d", "priv", "--push", "-o", "type", "private", env=env).code == 0
    assert invoke("sync", "p", "priv", "--pull", *dry(), env=env).code == 0
    (line,) = lines_of("plan.jsonl")
    assert line["type"] == "private" and "/s--" not in Path("plan.jsonl").read_text()
    done = invoke("sync", "p", "priv", "--pull", *items(), env=env)
    assert done.code == 0 and Path("p/a.jpg").read_bytes() == b"a.jpg", done.err


# -- clone


def url_of(box: SandboxClient) -> str:
    settings = box.server.settings
    return (
        f"cloudinary://{settings.api_key}:{settings.api_secret}@{settings.cloud_name}?upload_prefix={box.url}&timeout=5"
    )


def test_clone_copies_a_plan_in_parts(cld: Cld, env: Dict[str, str], box: SandboxClient, there: SandboxClient) -> None:
    fill(box, 12)
    box.put("hidden", JPG % 99, type="private")
    done = cld("clone", url_of(there), *dry(), env=env)
    assert done.code == 0, done.err
    lines = lines_of("plan.jsonl")
    assert len(lines) == 13 and lines[0]["tags"] == ["t"] and "/s--" not in Path("plan.jsonl").read_text()
    assert changes(box) == [] and there.server.state.assets("other").all() == []
    box.reset()
    reports = []
    for task in range(3):
        variables = {**env, "BATCH_TASK_INDEX": str(task), "BATCH_TASK_COUNT": "3"}
        report = f"r{task}.jsonl"
        part = ["--items", "plan.jsonl", "--shard", "auto", "--report", report, "-fi", "tags"]
        done = cld("clone", url_of(there), *part, env=variables)
        assert done.code == 0, done.err
        reports += lines_of(report)
    assert sorted(line["path"] for line in reports) == sorted(line["path"] for line in lines)
    assert "POST /resources/search" not in calls(box)
    copied = {asset["public_id"]: asset for asset in there.server.state.assets("other").all()}
    assert len(copied) == 13 and copied["p00"]["tags"] == ["t"] and copied["hidden"]["type"] == "private"


def test_a_part_of_a_clone_without_items_is_a_success(clone: Run, source: Source, target: Target) -> None:
    Path("plan.jsonl").write_text("")
    done = clone(*items())
    assert done.code == 0 and "0 items of plan.jsonl belong to this run" in done.err, done.err


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"action": "upload", "path": "image/upload/a"}, "its action is 'upload', and this run only knows: clone"),
        ({"action": "clone", "path": "image/upload/a"}, "its 'public_id' is not text"),
        ({"action": "clone", "path": "b", "public_id": "a"}, "its path is not 'image/upload/a'"),
    ],
)
def test_a_malformed_asset_stops_a_clone(line: Dict[str, Any], text: str, clone: Run, target: Target) -> None:
    Path("plan.jsonl").write_text(json.dumps(line))
    done = clone("--items", "plan.jsonl")
    assert done.code == 1 and f"Line 1 of plan.jsonl cannot be used: {text}" in done.err, done.err
    assert [request.path for request in target.server.requests if request.path.endswith("/upload")] == []


def test_a_search_expression_is_for_the_plan(clone: Run, target: Target) -> None:
    Path("plan.jsonl").write_text("")
    done = clone("--items", "plan.jsonl", "-se", "tags:x")
    assert done.code == 1 and "--items lists the assets, so -se cannot be used with it" in done.err


# -- regen_derived and migrate


def test_regen_derived_regenerates_a_plan_in_parts(cld: Cld, env: Dict[str, str], box: SandboxClient) -> None:
    fill(box, 0)
    assert cld("admin", "create_transformation", "thumb", "w_100", env=env).code == 0
    for number in range(8):
        make(".", **{"x.jpg": JPG % number})
        assert cld("upload", "x.jpg", f"public_id=r{number}", "eager=t_thumb", env=env).code == 0
    done = cld("regen_derived", "thumb", "-A", *dry(), env=env)
    assert done.code == 0, done.err
    lines = lines_of("plan.jsonl")
    assert len(lines) == 8 and all(line["named"] and line["transformation"] == "thumb" for line in lines)
    box.reset()
    asked = cld("regen_derived", "thumb", "--items", "plan.jsonl", env=env)
    assert asked.code == 1 and "image/upload/r0" in asked.err and changes(box) == []
    reports = []
    for number in (1, 2):
        report = f"r{number}.jsonl"
        done = cld(
            *("regen_derived", "thumb", "-F", "--items", "plan.jsonl", "--shard", f"{number}/2", "--report", report),
            env=env,
        )
        assert done.code == 0, done.err
        reports += lines_of(report)
    assert sorted(line["path"] for line in reports) == sorted(line["path"] for line in lines)
    assert calls(box) == ["POST /image/explicit"] * 8
    other = cld("regen_derived", "w_1", "-F", "--items", "plan.jsonl", env=env)
    assert other.code == 1 and "it is for the transformation 'thumb'" in other.err


def test_a_plan_of_migrate_has_its_urls(migrate: Run, server: CloudinaryServer) -> None:
    from test.support.migrate_requests import TEMPLATE

    Path("urls.txt").write_text(f"{TEMPLATE}a.jpg\n{TEMPLATE}b.jpg\n")
    done = migrate("m", "urls.txt", *dry())
    assert done.code == 0, done.err
    assert [(line["path"], line["status"]) for line in lines_of("plan.jsonl")] == [
        ("a.jpg", "planned"),
        ("b.jpg", "planned"),
    ]
