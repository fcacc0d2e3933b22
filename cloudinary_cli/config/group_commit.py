"""Group commit: changes that several threads request at the same time share one transaction."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, ContextManager, Deque, Dict, List, Optional

Content = Dict[str, Any]


class _Change:
    """One thread's part of a transaction."""

    def __init__(self, function: Callable[[Content], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self.is_done = False


class GroupCommit:
    """Threads that arrive during a write are queued; the next one applies the whole queue in a single write.

    :param transaction: opens a transaction, given the `reserved` of the thread that runs it.
    """

    def __init__(self, transaction: Callable[[Any], ContextManager[Content]]) -> None:
        self._transaction = transaction
        self._running = threading.Lock()
        self._waiting: Deque[_Change] = deque()

    def run(self, function: Callable[[Content], Any], reserved: Any = None) -> Any:
        """Call `function` with the content, and return its result. Its changes are on the disk when this returns.

        :raises BaseException: the error of the transaction, in every thread whose change was part of it.
        """
        mine = _Change(function)
        self._waiting.append(mine)
        with self._running:
            if not mine.is_done:  # otherwise another thread has applied it
                self._run([self._waiting.popleft() for _ in range(len(self._waiting))], reserved)
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _run(self, batch: List[_Change], reserved: Any) -> None:
        try:
            with self._transaction(reserved) as content:
                for change in batch:
                    change.result = change.function(content)
        except BaseException as error:
            for change in batch:
                change.error = error
            raise
        finally:
            for change in batch:
                change.is_done = True
