"""Counts and histograms that add up: over partitions, runs and crawls, because their bins never depend on the data."""

from __future__ import annotations


import pyarrow as pa

from pipelines.report.wide import sql
from schemas import tables

OCTAVE = 8  # bins per doubling beyond 1


def bin_sql(column: str, per_unit: int) -> str:
    """The bin of a value: `per_unit` equal bins in [-1, 1], eight per doubling beyond."""
    return (
        f"CAST(CASE WHEN abs({column}) <= 1 THEN floor({column} * {per_unit}) "
        f"ELSE sign({column}) * ({per_unit} + floor({OCTAVE} * log2(abs({column})))) END AS INTEGER)"
    )


def bin_edges(number: int, per_unit: int) -> tuple[float, float]:
    """Lower and upper edge of a bin of `bin_sql`."""
    if -per_unit <= number < per_unit:
        return number / per_unit, (number + 1) / per_unit
    if number < 0:
        low, high = bin_edges(-number, per_unit)
        return -high, -low
    return 2 ** ((number - per_unit) / OCTAVE), 2 ** ((number - per_unit + 1) / OCTAVE)


def rollup(kind: str, wide: pa.Table, measures: list[str], per_unit: int) -> pa.Table:
    """Fates and histograms of one wide table, as rows of the `rollups` schema."""
    if wide.num_rows == 0:
        return tables.schema("rollups").empty_table()
    language = "language" if "language" in wide.column_names else "''"
    parts = [
        f"SELECT '{kind}' AS kind, '' AS measure, CAST(NULL AS INTEGER) AS bin, stage, first_reason AS reason, {language} AS language, kept, "
        "count(*) AS n FROM wide GROUP BY ALL"
    ]
    parts += [
        f"SELECT '{kind}', '{m}', {bin_sql(chr(34) + m + chr(34), per_unit)} AS bin, '', '', {language}, kept, count(*) "
        f'FROM wide WHERE "{m}" IS NOT NULL AND isfinite("{m}") GROUP BY ALL'
        for m in measures
    ]
    query = " UNION ALL ".join(parts) + " ORDER BY ALL"
    return sql(query, {"wide": wide}).cast(tables.schema("rollups"))
