"""Runs one function in a thread of its own. Its result or exception is fetched later."""

from __future__ import annotations

import threading
from typing import Callable, Generic, List, Optional, TypeVar

T = TypeVar("T")

_SLICE_SECONDS = 0.2  # on Windows, Python runs signal handlers only between two waits


class Background(Generic[T]):
    """A function that runs in a daemon thread, so that Ctrl-C need not wait for it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._result: List[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:
            self._error = error
            if not isinstance(error, Exception):
                raise

    def result(self) -> T:
        """Wait for the function. Returns its result, or raises its exception."""
        while self._thread.is_alive():
            self._thread.join(_SLICE_SECONDS)
        if self._error is not None:
            raise self._error
        return self._result[0]
