"""Questions to the run, asked once: a finished run does not change while it is looked at."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from audit.queries import ask
from audit.run import Run

KEPT_ANSWERS, SECONDS = 400, 20.0


@dataclass
class Table:
    """An answer with the question: the page shows both."""

    sql: str
    parameters: dict[str, Any]
    rows: list[dict[str, Any]]


class SlowQuery(RuntimeError):
    """A question took longer than the server lets it."""


@dataclass
class Store:
    """One locked-down DuckDB over a run, with a memory limit; answers are remembered."""

    run: Run
    beside: Run | None = None
    memory_limit: str = "1GB"
    _answers: OrderedDict[Any, Table] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.con = self.run.connect(self.memory_limit, self.beside)

    def table(self, query: str, **parameters: Any) -> Table:
        used = {k: v for k, v in parameters.items() if f"${k}" in query}
        key = (query, tuple(sorted(used.items())))
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = Table(query.strip(), used, self.rows(query, **used))
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return answer

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Ask without remembering; SlowQuery after 20 s."""
        con = self.con.cursor()
        began = time.monotonic()
        timer = threading.Timer(SECONDS, con.interrupt)
        timer.start()
        try:
            return ask(con, query, **parameters)
        except Exception as e:
            if time.monotonic() - began >= SECONDS:
                raise SlowQuery(f"stopped after {SECONDS:.0f} s; ask for less, or use the SQL below in DuckDB itself") from e
            raise
        finally:
            timer.cancel()
            con.close()

    def remembered(self, key: Any, make: Any) -> Any:
        """`make()` once per key."""
        with self._lock:
            if key in self._answers:
                return self._answers[key]
        made = make()
        with self._lock:
            self._answers[key] = made
        return made
