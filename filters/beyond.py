"""Which of many values lie beyond which limits, in one compiled loop."""

from __future__ import annotations

from filters.compiled import compiled


@compiled
def beyond(table, rows, sides, values, out):  # type: ignore[no-untyped-def]
    """out[i, j] = 1 where table[rows[j], i] lies strictly above values[j] (sides[j] > 0) or below it, else 0; NaN lies beyond nothing."""
    for j in range(len(rows)):
        for i in range(table.shape[1]):
            x = table[rows[j], i]
            out[i, j] = x > values[j] if sides[j] > 0 else x < values[j]
