"""The benchmarks run, and `--json` saves what docs/images/build.py draws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(os.name == "nt", reason="the benchmarks are for POSIX systems")
@pytest.mark.parametrize(
    "name, options",
    [
        ("startup", ["--repeat", "1", "--entries", "4"]),
        ("refresh_all", ["--repeat", "1", "--logins", "2", "--latency", "1"]),
        ("transfers", ["--repeat", "1", "--only", "200 changed, 0 ms"]),
        ("cpu", ["--repeat", "1", "--count", "300"]),
    ],
)
def test_a_benchmark_adds_its_results_to_the_file(name: str, options: List[str], tmp_path: Path) -> None:
    file = tmp_path / "performance.json"
    file.write_text('{"other": {"title": "kept"}}')
    command = [sys.executable, f"bench/{name}.py", *options, "--json", str(file)]
    # transfers.py and cpu.py exit with 1 when a limit is exceeded, which depends on the machine.
    done = subprocess.run(command, cwd=str(REPO), capture_output=True, text=True, timeout=170)
    assert file.stat().st_size > 40, done.stdout + done.stderr
    saved = json.loads(file.read_text())
    assert saved["other"] == {"title": "kept"}
    record = saved[name]
    assert record["command"].startswith(f"python bench/{name}.py --repeat 1") and str(file) not in record["command"]
    assert set(record) >= {"title", "date", "commit", "python", "machine"}
    assert all(result["name"] and result["seconds"] > 0 for result in record["results"])


@pytest.mark.skipif(os.name == "nt", reason="the benchmarks are for POSIX systems")
def test_the_simulation_of_many_machines_counts_the_calls() -> None:
    options = ["--items", "40", "--deleted", "4", "--lines", "10", "--shards", "2"]
    command = [sys.executable, "bench/scale.py", *options]
    done = subprocess.run(command, cwd=str(REPO), capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    assert "40 lines" in done.stdout and "{'POST auto/upload': 40}" in done.stdout
    assert "one listing: 10,000 calls, 20 h at 500 and 2 h at 5,000 an hour" in done.stdout
