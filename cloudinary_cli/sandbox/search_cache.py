"""Caches the results of the last searches, so that the pages of a long result need only one search."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable, Hashable, List

KEPT = 16


class SearchCache:
    """The last few result lists. The key holds everything that a result depends on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: OrderedDict[Hashable, List[Any]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], List[Any]]) -> List[Any]:
        """The cached list, or a new one. Callers share it and must not change it."""
        with self._lock:
            found = self._results.get(key)
        if found is None:
            found = make()
            with self._lock:
                self._results[key] = found
                while len(self._results) > KEPT:
                    self._results.popitem(last=False)
        return found
