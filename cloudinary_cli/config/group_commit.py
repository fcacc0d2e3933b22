"""Group commit: changes that several threads want at the same time share one transaction; knows nothing of files."""

from __future__ import annotations

import threading
from typing import Any, Callable, ContextManager, Dict, List, Optional

Content = Dict[str, Any]


class _Change:
    """One thread's part of a transaction."""

    def __init__(self, function: Callable[[Content], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self.is_done = False


class GroupCommit:
    """The first thread runs a transaction; who comes meanwhile waits, and the next one runs all that wait in one.

    :param transaction: opens one, given what the first of its threads has reserved for the write.
    """

    def __init__(self, transaction: Callable[[Any], ContextManager[Content]]) -> None:
        self._transaction = transaction
        self._running, self._queueing = threading.Lock(), threading.Lock()
        self._waiting: List[_Change] = []

    def run(self, function: Callable[[Content], Any], reserved: Any = None) -> Any:
        """The result of `function`, called with the content; what it changed is durable then.

        :raises BaseException: what the transaction raised, to every thread whose change was in it.
        """
        mine = _Change(function)
        with self._queueing:
            self._waiting.append(mine)
        with self._running:
            if not mine.is_done:  # else another thread took it along
                with self._queueing:
                    batch, self._waiting = self._waiting, []
                self._run(batch, reserved)
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
