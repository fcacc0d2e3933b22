"""The peak memory of one `cld` process."""

from __future__ import annotations

import subprocess
import sys

# The process reads its own peak: ru_maxrss of a child includes the memory of the parent at the fork (getrusage(2)).
_PROGRAM = """
import sys
from cloudinary_cli.cli import main
code = main(sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")), file=sys.stderr)
sys.exit(code)
"""


def peak_kib(*arguments: str) -> int:
    """Run `cld ARGUMENTS`, which must succeed. Returns its peak resident memory in KiB (Linux only)."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])
