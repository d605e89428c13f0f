"""What an unfinished stage has done, from the small files that its parts leave: for progress lines, on any engine and from any machine."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from pipelines import storage
from pipelines.stage import StageError, add_facts


class SoFar:
    """Sums over the receipts below a stage's folder; each is read once, however often `look` is called."""

    def __init__(self, root: str):
        self.root, self.parts = root, 0
        self.facts: dict[str, Any] = {}
        self.rows: dict[str, int] = {}  # table -> rows
        self._seen: set[str] = set()

    def look(self) -> SoFar:
        """Read what is new. Never raises for a receipt that is being replaced or removed (it is read the next time), nor for parts that
        disagree: saying so is for the end of the stage."""
        base = storage.join(self.root, "parts")
        for group in storage.listing(base):
            for name in storage.listing(storage.join(base, group)):
                path = storage.join(base, group, name)
                if name.startswith(".") or not name.endswith(".json") or path in self._seen:
                    continue
                try:
                    receipt = json.loads(storage.read_bytes(path))
                    tables, facts = [(t, int(p["rows"])) for t, p in receipt["tables"]], receipt["facts"]
                except (OSError, ValueError, LookupError, TypeError):
                    continue
                self._seen.add(path)
                self.parts += 1
                with suppress(StageError):
                    add_facts(self.facts, facts)
                for table, rows in tables:
                    self.rows[table] = self.rows.get(table, 0) + rows
        return self
