"""The SDK is imported by whichever thread needs it first, and the others wait for the whole module."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from cloudinary_cli.system.sdk_import import import_sdk
from test.support.waiting import wait_until


def test_a_second_thread_waits_for_the_end_of_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.5)\nready = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = threading.Thread(target=import_sdk, args=("slow_module",))
    first.start()
    try:
        wait_until(lambda: "slow_module" in sys.modules)
        assert import_sdk("slow_module").ready
    finally:
        first.join()
        sys.modules.pop("slow_module", None)
