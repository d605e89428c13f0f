"""What a list of lines or paragraphs repeats."""

from __future__ import annotations

from collections.abc import Sequence


def repeated(parts: Sequence[str]) -> tuple[float, float]:
    """(parts that occurred before / parts, their characters / characters); (0, 0) for nothing."""
    if not parts:
        return 0.0, 0.0
    distinct = set(parts)
    if len(distinct) == len(parts):
        return 0.0, 0.0
    total = sum(map(len, parts))
    extra = total - sum(map(len, distinct))
    return (len(parts) - len(distinct)) / len(parts), extra / total if total else 0.0
