"""`--shard auto`: reads the part of this run from the environment variables of a job scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Optional, Tuple

from cloudinary_cli.errors import CliError

COUNT = "CLD_SHARD_COUNT"


@dataclass(frozen=True)
class _Scheduler:
    """The variables of one scheduler. Without a `count` variable, the user sets CLD_SHARD_COUNT."""

    name: str
    index: str
    count: str
    first: int = 0  # the index of the first task


# In the order in which they are read.
_SCHEDULERS = (
    # https://slurm.schedmd.com/job_array.html
    _Scheduler("Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
    # https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/
    _Scheduler("Kubernetes", "JOB_COMPLETION_INDEX", COUNT),
    # https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    _Scheduler("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
    # https://cloud.google.com/batch/docs/create-run-basic-job
    _Scheduler("Google Batch", "BATCH_TASK_INDEX", "BATCH_TASK_COUNT"),
    # https://cloud.google.com/run/docs/container-contract#jobs-env-vars
    _Scheduler("Cloud Run", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"),
    # https://www.gnu.org/software/parallel/man.html
    _Scheduler("GNU parallel", "PARALLEL_SEQ", COUNT, first=1),
)


def automatic_shard(environ: Mapping[str, str]) -> Tuple[str, str]:
    """The part as I/N, and the name of the scheduler.

    :raises CliError: no scheduler is found, two of them disagree, or the variables are incomplete or inconsistent.
    """
    found: List[Tuple[str, _Scheduler]] = []
    for scheduler in _SCHEDULERS:
        if environ.get(scheduler.index):
            found.append((_shard(scheduler, environ), scheduler))
    if not found:
        raise CliError(
            "--shard auto: no job scheduler was found. These variables are read:"
            f" {', '.join(scheduler.index for scheduler in _SCHEDULERS)}. Without them, write --shard I/N."
        )
    shard, scheduler = found[0]
    for other, another in found[1:]:
        if other != shard:
            raise CliError(
                f"--shard auto: {scheduler.name} ({scheduler.index}) says {shard}, and {another.name} ({another.index})"
                f" says {other}. Unset the variable that does not apply, or write --shard I/N."
            )
    return shard, scheduler.name


def _shard(scheduler: _Scheduler, environ: Mapping[str, str]) -> str:
    index = _number(scheduler.index, environ)
    count = _number(scheduler.count, environ)
    if index is None or count is None:
        missing = scheduler.count if count is None else scheduler.index
        more = " Set it to the number of tasks." if missing == COUNT else ""
        raise CliError(f"--shard auto: {scheduler.name} has set {scheduler.index}, but {missing} is not set.{more}")
    own = _number(COUNT, environ)
    if own not in (None, count):
        raise CliError(
            f"--shard auto: {COUNT} is {own}, but {scheduler.count} is {count}. If only some tasks are repeated, write"
            " --shard I/N."
        )
    position = _array_position(index, count, environ) if scheduler.name == "Slurm" else index - scheduler.first
    if not 0 <= position < count:
        raise CliError(
            f"--shard auto: {scheduler.index} is {index}, which is not one of {count} tasks ({scheduler.count})."
        )
    return f"{position + 1}/{count}"


def _array_position(index: int, count: int, environ: Mapping[str, str]) -> int:
    """The position, from 0, of a task of a Slurm array, whose indexes may have any start and step.

    :raises CliError: the indexes have gaps, so that the position is unknown.
    """
    first, last = _number("SLURM_ARRAY_TASK_MIN", environ), _number("SLURM_ARRAY_TASK_MAX", environ)
    step = _number("SLURM_ARRAY_TASK_STEP", environ) or 1
    first = 0 if first is None else first
    if (last is not None and last != first + (count - 1) * step) or (index - first) % step:
        raise CliError(
            f"--shard auto: the Slurm array has {count} tasks from {first} to {last} with step {step}, so the position"
            f" of task {index} is unknown. Use a range such as --array=0-{count - 1}, or write --shard I/N."
        )
    return (index - first) // step


def _number(name: str, environ: Mapping[str, str]) -> Optional[int]:
    """:raises CliError: the variable is not a number."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise CliError(f"--shard auto: {name} is '{text}', which is not a number.")
    return int(text)
