"""The fixed bins of histograms in `rollups`: they never depend on the data, so that roll-ups of several runs add up.

`per_unit` equal bins per unit in [-1, 1], eight per doubling beyond.
"""

from __future__ import annotations

OCTAVE = 8  # bins per doubling beyond 1


def bin_sql(column: str, per_unit: int) -> str:
    """The bin of a value, as SQL."""
    return (
        f"CAST(CASE WHEN abs({column}) <= 1 THEN floor({column} * {per_unit}) "
        f"ELSE sign({column}) * ({per_unit} + floor({OCTAVE} * log2(abs({column})))) END AS INTEGER)"
    )


def edges(number: int, per_unit: int) -> tuple[float, float]:
    """Lower and upper edge of a bin."""
    if -per_unit <= number < per_unit:
        return number / per_unit, (number + 1) / per_unit
    if number < 0:
        low, high = edges(-number, per_unit)
        return -high, -low
    return 2 ** ((number - per_unit) / OCTAVE), 2 ** ((number - per_unit + 1) / OCTAVE)
