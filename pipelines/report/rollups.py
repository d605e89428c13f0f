"""Counts and histograms that add up: over partitions, runs and crawls, because their bins never depend on the data."""

from __future__ import annotations

import pyarrow as pa

from pipelines.report.wide import sql
from schemas import tables
from schemas.bins import bin_sql


def rollup(kind: str, wide: pa.Table, measures: list[str], per_unit: int) -> pa.Table:
    """Fates and histograms of one wide table, as rows of the `rollups` schema."""
    if wide.num_rows == 0:
        return tables.schema("rollups").empty_table()
    language = "language" if "language" in wide.column_names else "''"
    parts = []
    if "stage" in wide.column_names:
        parts.append(
            f"SELECT '{kind}' AS kind, '' AS measure, CAST(NULL AS INTEGER) AS bin, stage, first_reason AS reason, {language} AS language, "
            "kept, count(*) AS n FROM wide GROUP BY ALL"
        )
    measures = [m for m in measures if wide[m].null_count < wide.num_rows]
    parts += [
        f"SELECT '{kind}' AS kind, '{m}' AS measure, {bin_sql(chr(34) + m + chr(34), per_unit)} AS bin, '' AS stage, '' AS reason, "
        f'{language} AS language, kept, count(*) AS n FROM wide WHERE "{m}" IS NOT NULL AND isfinite("{m}") GROUP BY ALL'
        for m in measures
    ]
    if not parts:
        return tables.schema("rollups").empty_table()
    query = " UNION ALL ".join(parts) + " ORDER BY ALL"
    return sql(query, {"wide": wide}).cast(tables.schema("rollups"))
