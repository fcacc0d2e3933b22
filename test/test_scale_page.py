"""The recipes of docs/scale.md: each one's tasks, as real processes, do everything exactly once.

`test/support/kubernetes_job_schema.json` is the schema of batch/v1 Job of Kubernetes 1.37, without descriptions. Its
source is kubernetes/kubernetes, api/openapi-spec/swagger.json (Apache License 2.0), as the package kubernetes-validate
1.37.0 has converted it to JSON Schema: v1.37.0-local-strict/job-batch-v1.json and the definitions that it refers to.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import fastjsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from test.conftest import REPO
from test.support.commands import posix
from test.support.fork_server import ForkServer
from test.support.plans import calls, delete_assets, lines_of
from test.support.sandbox_client import SandboxClient
from test.support.sync_account import make

PAGE = (REPO / "docs" / "scale.md").read_text(encoding="utf-8")
TASKS = 4
Variables = Dict[str, str]


def recipe(title: str) -> str:
    """The code block of a recipe."""
    section = PAGE.split(f"### {title}\n", 1)[1].split("\n### ", 1)[0]
    return re.findall(r"^```\w+\n(.*?)^```", section, re.M | re.S)[0]


def manifest() -> Any:
    return yaml.safe_load(recipe("Kubernetes"))


def slurm() -> Tuple[str, List[Variables]]:
    script = recipe("Slurm")
    first, last = map(int, re.findall(r"--array=(\d+)-(\d+)", script)[0])
    common = {"SLURM_ARRAY_TASK_MIN": str(first), "SLURM_ARRAY_TASK_MAX": str(last), "SLURM_ARRAY_TASK_STEP": "1"}
    tasks = range(first, last + 1)
    count = {"SLURM_ARRAY_TASK_COUNT": str(len(tasks))}
    return script, [{**common, **count, "SLURM_ARRAY_TASK_ID": str(task)} for task in tasks]


def kubernetes() -> Tuple[str, List[Variables]]:
    spec = manifest()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert given == {"CLD_SHARD_COUNT": str(spec["completions"])}
    # Kubernetes replaces $(NAME) in arguments: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
    words = [re.sub(r"\$\((\w+)\)", r"$\1", word) for word in container["args"]]
    return f"cld {' '.join(words)}", [{**given, "JOB_COMPLETION_INDEX": str(n)} for n in range(spec["completions"])]


def aws_batch() -> Tuple[str, List[Variables]]:
    job = json.loads(recipe("AWS Batch"))
    size = job["arrayProperties"]["size"]
    variables = [{"AWS_BATCH_JOB_ARRAY_INDEX": str(n), "AWS_BATCH_JOB_ARRAY_SIZE": str(size)} for n in range(size)]
    return "cld " + shlex.join(job["containerOverrides"]["command"]), variables


def google_batch() -> Tuple[str, List[Variables]]:
    (group,) = json.loads(recipe("Google Batch"))["taskGroups"]
    (runnable,) = group["taskSpec"]["runnables"]
    count = group["taskCount"]
    variables = [{"BATCH_TASK_INDEX": str(n), "BATCH_TASK_COUNT": str(count)} for n in range(count)]
    return "cld " + shlex.join(runnable["container"]["commands"]), variables


def cloud_run() -> Tuple[str, List[Variables]]:
    words = shlex.split(recipe("Cloud Run").replace("\\\n", " "))
    count = int(words[words.index("--tasks") + 1])
    (arguments,) = [word.partition("=")[2].split(",") for word in words if word.startswith("--args=")]
    variables = [{"CLOUD_RUN_TASK_INDEX": str(n), "CLOUD_RUN_TASK_COUNT": str(count)} for n in range(count)]
    return "cld " + shlex.join(arguments), variables


def gnu_parallel() -> Tuple[str, List[Variables]]:
    return recipe("GNU parallel"), [{}]


def has_gnu_parallel() -> bool:
    """False for the program of the same name in moreutils."""
    path = shutil.which("parallel")
    return path is not None and b"GNU" in subprocess.run([path, "--version"], capture_output=True).stdout


@pytest.fixture
def shell(box: SandboxClient, home: Path, tmp_path: Path, fork_server: ForkServer) -> Callable[..., str]:
    """Run a script with `cld` on PATH and /data in the test's folder. Returns its stderr."""
    tool = tmp_path / "bin" / "cld"
    make(tmp_path / "bin", cld=f'#!/bin/sh\nexec {" ".join(fork_server.command)} "$@"\n'.encode())
    tool.chmod(0o755)
    env = {**os.environ, **box.server.environment(home), "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}

    def run(script: str, **variables: str) -> str:
        text = script.replace("/data/", f"{tmp_path}/data/")
        done = subprocess.run(
            ["sh", "-c", text], env={**env, **variables}, capture_output=True, text=True, timeout=120, cwd=str(tmp_path)
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr

    return run


@posix
@pytest.mark.parametrize(
    "tasks",
    [
        slurm,
        kubernetes,
        aws_batch,
        google_batch,
        cloud_run,
        pytest.param(
            gnu_parallel, marks=pytest.mark.skipif(not has_gnu_parallel(), reason="needs GNU parallel (apt: parallel)")
        ),
    ],
    ids=lambda tasks: str(tasks.__name__),
)
def test_the_tasks_of_a_recipe_do_everything_once(
    tasks: Callable[[], Tuple[str, List[Variables]]], shell: Callable[..., str], box: SandboxClient, tmp_path: Path
) -> None:
    delete_assets(box)
    names = [f"{number % 5}/{number}.jpg" for number in range(24)]
    make(tmp_path / "data" / "photos", *names)
    (plan,) = re.findall(r"^```sh\n(cld sync .*?)^```", PAGE, re.M | re.S)
    shell(plan)
    assert [line["status"] for line in lines_of(tmp_path / "data" / "plan.jsonl")] == ["planned"] * 24
    box.reset()
    script, variables = tasks()
    for each in variables:
        shell(script, **each)
    assert calls(box) == ["POST /auto/upload"] * 24, "no listing, and each file once"
    sent = [entry["files"]["file"]["filename"] for entry in box.requests("/v1_1")]
    assert sorted(sent) == sorted(name.rpartition("/")[2] for name in names)
    reports = sorted((tmp_path / "data").glob("part-*.jsonl"))
    if reports:
        assert len(reports) == TASKS
        assert sorted(line["path"] for report in reports for line in lines_of(report)) == sorted(names)


def test_all_recipes_have_the_same_number_of_tasks() -> None:
    assert {len(tasks()[1]) for tasks in (slurm, kubernetes, aws_batch, google_batch, cloud_run)} == {TASKS}
    assert f"seq {TASKS} | CLD_SHARD_COUNT={TASKS} " in gnu_parallel()[0]


def test_kubernetes_accepts_the_manifest() -> None:
    schema = json.loads((REPO / "test" / "support" / "kubernetes_job_schema.json").read_text(encoding="utf-8"))
    validate = fastjsonschema.compile(schema, formats={"int32": r"-?\d+", "int64": r"-?\d+"})
    validate(manifest())
    for change in (
        lambda job: job["spec"].update(completion=4),
        lambda job: job["spec"].update(completions="4"),
        lambda job: job["spec"]["template"]["spec"]["containers"][0].pop("name"),
        lambda job: job.update(apiVersion="batch/v2"),
    ):
        broken = copy.deepcopy(manifest())
        change(broken)
        with pytest.raises(fastjsonschema.JsonSchemaException):
            validate(broken)
