"""Runs a program as a process and measures its time and peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Optional, Sequence

REPO = Path(__file__).resolve().parent.parent

# Runs a function and reports the peak of the process. ru_maxrss would include the memory of the parent at the fork.
_PROGRAM = """
import sys
from {module} import {function} as run
code = run({arguments})
try:
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
print("peak", peak, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Measured:
    """One run: seconds of wall time, peak resident memory in KiB."""

    seconds: float
    peak_kib: int = 0


def run_cld(
    arguments: Sequence[str], environ: Optional[Dict[str, str]] = None, statuses: Sequence[int] = (0,)
) -> Measured:
    """Run `cld ARGUMENTS`, which must end with one of these exit statuses. Its stdout is discarded."""
    return run_function("cloudinary_cli.cli", "main", repr(list(arguments)), environ, statuses)


def run_function(
    module: str,
    function: str,
    arguments: str,
    environ: Optional[Dict[str, str]] = None,
    statuses: Sequence[int] = (0,),
) -> Measured:
    """Call a function in a fresh interpreter. It must return one of these exit statuses.

    :param arguments: as source text.
    """
    program = _PROGRAM.format(module=module, function=function, arguments=arguments)
    measured = run_program(["-c", program], environ, statuses)
    assert measured.peak_kib, "the process did not report its peak"
    return measured


def run_program(
    arguments: Sequence[str], environ: Optional[Dict[str, str]] = None, statuses: Sequence[int] = (0,)
) -> Measured:
    """Run Python with these arguments.

    :raises SystemExit: it failed. The message has the end of its stderr.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**_environment(), **(environ or {})},
        timeout=7200,
    )
    seconds = time.perf_counter() - start
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode not in statuses:
        raise SystemExit("\n".join([f"failed: {' '.join(arguments)[-300:]}", *lines[-20:]]))
    has_peak = bool(lines) and lines[-1].startswith("peak ")
    return Measured(seconds, int(lines[-1].split()[1]) if has_peak else 0)


def _environment() -> Dict[str, str]:
    # An installed package has bytecode. Without this, each run would compile the modules again.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(REPO)}


def typical(runs: Sequence[Measured]) -> Measured:
    """The median time and the largest memory."""
    return Measured(statistics.median(run.seconds for run in runs), max(run.peak_kib for run in runs))
