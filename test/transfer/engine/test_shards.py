"""`--shard auto`: the part of a run in the variables of job schedulers."""

from __future__ import annotations

from typing import Dict, List

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.transfer.engine.shards import automatic_shard


def slurm(task: int, first: int, last: int, step: int, count: int) -> Dict[str, str]:
    """The variables of a task of `sbatch --array=FIRST-LAST:STEP`."""
    values = {"ID": task, "MIN": first, "MAX": last, "STEP": step, "COUNT": count}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


def tasks(scheduler: str) -> List[Dict[str, str]]:
    """The variables of each task of a job with three tasks."""
    count = {"CLD_SHARD_COUNT": "3"}
    every = {
        "Slurm": [slurm(task, 0, 2, 1, 3) for task in (0, 1, 2)],
        "Kubernetes": [{"JOB_COMPLETION_INDEX": str(task), **count} for task in range(3)],
        "AWS Batch": [{"AWS_BATCH_JOB_ARRAY_INDEX": str(task), "AWS_BATCH_JOB_ARRAY_SIZE": "3"} for task in range(3)],
        "Google Batch": [{"BATCH_TASK_INDEX": str(task), "BATCH_TASK_COUNT": "3"} for task in range(3)],
        "Cloud Run": [{"CLOUD_RUN_TASK_INDEX": str(task), "CLOUD_RUN_TASK_COUNT": "3"} for task in range(3)],
        "GNU parallel": [{"PARALLEL_SEQ": str(task), **count} for task in (1, 2, 3)],
    }
    return every[scheduler]


@pytest.mark.parametrize("scheduler", ["Slurm", "Kubernetes", "AWS Batch", "Google Batch", "Cloud Run", "GNU parallel"])
def test_the_tasks_of_a_job_are_all_parts(scheduler: str) -> None:
    assert [automatic_shard(task) for task in tasks(scheduler)] == [
        ("1/3", scheduler),
        ("2/3", scheduler),
        ("3/3", scheduler),
    ]


def test_a_slurm_array_may_start_anywhere_and_have_a_step() -> None:
    assert [automatic_shard(slurm(task, 1, 7, 2, 4))[0] for task in (1, 3, 5, 7)] == ["1/4", "2/4", "3/4", "4/4"]
    assert automatic_shard({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "2"})[0] == "1/2"


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, "no job scheduler was found. These variables are read: SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, "),
        ({"SLURM_ARRAY_TASK_COUNT": "3"}, "no job scheduler was found"),
        ({"SLURM_ARRAY_TASK_ID": "0"}, "but SLURM_ARRAY_TASK_COUNT is not set"),
        (slurm(7, 1, 7, 1, 3), "the Slurm array has 3 tasks from 1 to 7 with step 1, so the position of task 7"),
        (slurm(4, 1, 7, 2, 4), "the position of task 4 is unknown"),
        ({"JOB_COMPLETION_INDEX": "1"}, "CLD_SHARD_COUNT is not set. Set it to the number of tasks."),
        ({"JOB_COMPLETION_INDEX": "3", "CLD_SHARD_COUNT": "3"}, "is 3, which is not one of 3 tasks"),
        ({"PARALLEL_SEQ": "0", "CLD_SHARD_COUNT": "3"}, "is 0, which is not one of 3 tasks"),
        ({"PARALLEL_SEQ": "4", "CLD_SHARD_COUNT": "3"}, "is 4, which is not one of 3 tasks"),
        ({"BATCH_TASK_INDEX": "x", "BATCH_TASK_COUNT": "3"}, "BATCH_TASK_INDEX is 'x', which is not a number"),
        ({"BATCH_TASK_INDEX": "-1", "BATCH_TASK_COUNT": "3"}, "is '-1', which is not a number"),
        ({**slurm(3, 3, 3, 1, 1), "CLD_SHARD_COUNT": "8"}, "CLD_SHARD_COUNT is 8, but SLURM_ARRAY_TASK_COUNT is 1"),
        (
            {**slurm(1, 0, 2, 1, 3), "PARALLEL_SEQ": "1", "CLD_SHARD_COUNT": "3"},
            r"Slurm \(SLURM_ARRAY_TASK_ID\) says 2/3, and GNU parallel \(PARALLEL_SEQ\) says 1/3",
        ),
    ],
)
def test_an_environment_that_does_not_tell_the_part_is_refused(environ: Dict[str, str], text: str) -> None:
    with pytest.raises(CliError, match=text):
        automatic_shard(environ)


def test_two_schedulers_that_agree_are_accepted() -> None:
    environ = {**tasks("Kubernetes")[1], **tasks("AWS Batch")[1]}
    assert automatic_shard(environ) == ("2/3", "Kubernetes")
