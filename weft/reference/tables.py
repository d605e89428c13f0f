"""The reference page of the tables: every column, its type and what it means."""

from __future__ import annotations

from typing import Any

from schemas import glossary, tables

WIDE = {"document_measures": "`doc_`, `url_`", "nodes": "`paragraph_`, `image_rendered_`, `image_url_`", "images": "`image_`",
        "pairs": "`pair_`", "placements": "`image_`, `pair_`", "selected": "`final_`"}  # fmt: skip


def markdown() -> str:
    out = [
        "# Tables", "", "Generated from `schemas/tables.py` and `schemas/glossary.py` by `make reference`.", "",
        "Every table is Parquet below `RUN/stages/<stage>/<digest>/<table>/`, one file per part. Its schema carries `weft.table` and",
        "`weft.version` in the metadata; readers refuse a version they do not know. Wide tables have one more float64 column per",
        "measure (see [filters](../filters.md)); NULL means that the measure does not apply.", "",
    ]  # fmt: skip
    for name in tables.names():
        out += [f"## {name}", "", glossary.TABLES[name], ""]
        if name in WIDE:
            out += [f"Wide: and the measures whose names begin with {WIDE[name]}.", ""]
        out += ["| column | type | meaning |", "|---|---|---|"]
        out += [f"| `{f.name}` | `{_type(f.type)}` | {glossary.meaning(name, f.name)} |" for f in tables.schema(name)]
        out.append("")
    return "\n".join(out)


def _type(kind: Any) -> str:
    """An Arrow type, structs without their inner types."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return f"list of {_type(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "struct(" + ", ".join(f.name for f in kind) + ")"
    return str(kind)
