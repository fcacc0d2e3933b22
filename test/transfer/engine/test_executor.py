"""The executor: order of outcomes, stop, abort, and failures of single actions."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from cloudinary_cli.errors import CliError
from cloudinary_cli.net.retry import Stopped
from cloudinary_cli.transfer.engine.executor import MAX_AHEAD, Executor
from cloudinary_cli.transfer.engine.records import Outcome, Status
from cloudinary_cli.transfer.engine.stop import Stop


@dataclass
class Do:
    key: str
    what: Callable[[], None] = lambda: None
    action: str = "test"

    def run(self) -> Outcome:
        self.what()
        return Outcome(self.action, self.key)


def test_outcomes_come_in_the_order_of_the_plan() -> None:
    gate = threading.Event()
    arrived: List[str] = []
    actions = [Do("slow", lambda: gate.wait(10) and None), *(Do(str(n)) for n in range(50)), Do("last", gate.set)]
    executor = Executor(4, Stop(), lambda outcome: arrived.append(outcome.key))
    outcomes = [outcome.key for outcome in executor.run(actions)]
    assert outcomes == [action.key for action in actions]
    assert arrived[0] != "slow" and sorted(arrived) == sorted(outcomes)


def test_no_more_threads_than_workers() -> None:
    now, peak, lock = [0], [0], threading.Lock()

    def work() -> None:
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        time.sleep(0.01)
        with lock:
            now[0] -= 1

    list(Executor(3, Stop()).run([Do(str(n), work) for n in range(30)]))
    assert peak[0] == 3


def test_any_exception_is_one_failed_outcome() -> None:
    def fail(error: BaseException) -> Callable[[], None]:
        def work() -> None:
            raise error

        return work

    actions = [
        Do("a", fail(CliError("clear"))),
        Do("b", fail(OSError("raw"))),
        Do("c", fail(AttributeError("defect"))),
        Do("d", fail(Stopped())),
        Do("e"),
    ]
    outcomes = list(Executor(1, Stop()).run(actions))
    assert [(outcome.status, outcome.error) for outcome in outcomes] == [
        (Status.FAILED, "clear"),
        (Status.FAILED, "OSError: raw"),
        (Status.FAILED, "AttributeError: defect"),
        (Status.CANCELLED, "not finished: the run was stopped"),
        (Status.OK, None),
    ]


def test_after_a_stop_started_items_finish_and_the_others_are_cancelled() -> None:
    stop = Stop()
    actions = [Do("a"), Do("b", stop.request), *(Do(str(n)) for n in range(20))]
    outcomes = list(Executor(1, stop).run(actions))
    assert [outcome.status for outcome in outcomes] == [Status.OK, Status.OK] + [Status.CANCELLED] * 20


def test_an_aborted_run_leaves_no_temporary_file(tmp_path: Path) -> None:
    stop, path = Stop(), tmp_path / "t"
    with stop.temporary(str(path)):
        path.write_text("half")
        stop.abort()
        assert not path.exists()
    with pytest.raises(Stopped), stop.temporary(str(path)):
        raise AssertionError("not entered")


PROGRAM = textwrap.dedent(
    """
    import os, sys, time, pathlib
    from cloudinary_cli.errors import Terminated
    from cloudinary_cli.transfer.engine.records import Outcome
    from cloudinary_cli.transfer.engine.executor import Executor
    from cloudinary_cli.transfer.engine.stop import Stop, stoppable
    stop, seconds = Stop(), float(sys.argv[1])
    def say(text): print(text, flush=True)
    class Do:
        action = "test"
        def __init__(self, key): self.key = key
        def run(self):
            with stop.temporary(f"{self.key}.tmp") as path:
                pathlib.Path(path).write_text("half")
                os.write(1, b"started\\n")
                time.sleep(seconds)
                pathlib.Path(path).replace(self.key)
            return Outcome("test", self.key)
    try:
        with stoppable(stop):
            done = [o.status.value for o in Executor(2, stop, notify=say).run([Do(str(n)) for n in range(10)])]
        print(*done, flush=True)
        if stop.signal is not None:
            raise Terminated(stop.signal)
    except Terminated as error:
        sys.exit(error.exit_code)
    """
)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_first_signal_finishes_and_the_second_aborts(signal: str, code: int, tmp_path: Path) -> None:
    import signal as signals

    folder = tmp_path / "work"
    folder.mkdir()

    def start(seconds: float) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(seconds)], cwd=str(folder), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout and [process.stdout.readline() for _ in range(2)] == ["started\n"] * 2
        process.send_signal(getattr(signals, signal))
        assert "Interrupt again to end at once" in process.stdout.readline()
        return process

    process = start(2)
    out, _ = process.communicate(timeout=20)
    assert out.split() == ["ok", "ok"] + ["cancelled"] * 8 and process.returncode == code
    assert sorted(path.name for path in folder.iterdir()) == ["0", "1"]
    for path in folder.iterdir():
        path.unlink()

    process = start(60)
    process.send_signal(getattr(signals, signal))
    process.communicate(timeout=20)
    assert process.returncode == code and list(folder.iterdir()) == []


def test_a_stream_is_read_only_a_little_ahead() -> None:
    drawn: List[int] = []

    def stream() -> Iterator[Do]:
        for number in range(10**9):
            drawn.append(number)
            yield Do(str(number))

    outcomes = Executor(3, Stop()).run(stream())
    assert [next(outcomes).key for _ in range(50)] == [str(number) for number in range(50)]
    assert len(drawn) <= 50 + MAX_AHEAD
    outcomes.close()  # type: ignore[attr-defined]


def test_actions_before_an_error_of_the_stream_are_run() -> None:
    def stream() -> Iterator[Do]:
        yield Do("a", lambda: time.sleep(0.1))
        yield Do("b")
        raise CliError("the rest cannot be read")

    done: List[str] = []
    with pytest.raises(CliError, match="the rest cannot be read"):
        for outcome in Executor(2, Stop()).run(stream()):
            done.append(outcome.key)  # noqa: PERF402 - a list made at once would be lost with the error
    assert done == ["a", "b"]
