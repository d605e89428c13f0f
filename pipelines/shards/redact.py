"""Blanks what a takedown names in a run's tables and blobs. Rows stay, so that the books still balance; what they said goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from pipelines import storage
from schemas.manifest import Part

pc: Any = pyarrow.compute  # its functions are made at run time, so type checkers do not see them
OF_DOCUMENT = ("url", "canonical_url", "title", "warc_path", "value", "evidence", "message")
OF_IMAGE = ("url", "final_url", "sha256", "pdq", "phash", "blob", "detail", "message", "value", "evidence")
OF_NODE = ("text", "url", "alt", "caption")


@dataclass(frozen=True)
class Gone:
    """Identities to blank."""

    documents: frozenset[str]
    images: frozenset[str]  # image ids
    sha256: frozenset[str]


def redact(table: pa.Table, gone: Gone) -> pa.Table | None:
    """The table with the named things blanked; None if it holds none of them."""
    document = _in(table, ("doc_id",), gone.documents)
    image = _or(_in(table, ("image_id",), gone.images), _in(table, ("sha256",), gone.sha256))
    if "subject" in table.column_names:  # optouts: `id` is of a page or of an image
        document, image = _or(document, _in(table, ("id",), gone.documents)), _or(image, _in(table, ("id",), gone.images))
    elif "stage" in table.column_names and "trace" in table.column_names:  # dead letters
        document, image = _in(table, ("id",), gone.documents), _in(table, ("id",), gone.images)
    out = table
    for mask, columns in ((document, OF_DOCUMENT), (image, OF_IMAGE)):
        if mask is not None and pc.any(mask).as_py():
            for name in columns:
                if name in out.column_names and pa.types.is_string(out.schema.field(name).type):
                    blank = pc.if_else(mask, pa.scalar("", pa.string()), out[name])
                    out = out.set_column(out.column_names.index(name), out.schema.field(name), blank)
            if "vector" in out.column_names:
                rows = [[] if m else v for m, v in zip(mask.to_pylist(), out["vector"].to_pylist(), strict=True)]
                out = out.set_column(
                    out.column_names.index("vector"), out.schema.field("vector"), pa.array(rows, out.schema.field("vector").type)
                )
    if "nodes" in out.column_names:
        out = _nodes(out, gone)
    return None if out.equals(table) else out


def _nodes(table: pa.Table, gone: Gone) -> pa.Table:
    rows: list[list[dict[str, Any]]] = []
    for doc, nodes in zip(table["doc_id"].to_pylist(), table["nodes"].to_pylist(), strict=True):
        blank = doc in gone.documents
        rows.append([{**n, **dict.fromkeys(OF_NODE, "")} if blank or n["image_id"] in gone.images else n for n in nodes])
    field = table.schema.field("nodes")
    return table.set_column(table.column_names.index("nodes"), field, pa.array(rows, field.type))


def _in(table: pa.Table, columns: tuple[str, ...], values: frozenset[str]) -> Any:
    for name in columns:
        if name in table.column_names and values:
            return pc.fill_null(pc.is_in(table[name], pa.array(sorted(values), pa.string())), False)
    return None


def _or(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else pc.or_(a, b)


def redact_file(root: str, part: Part, gone: Gone) -> Part:
    """Redact one Parquet file in place (whole or not at all); its new part, or the old one if nothing was in it."""
    path = storage.join(root, part.path)
    found = redact(storage.read_table(path), gone)
    return part if found is None else storage.write_table(root, part.path, found)


def erase_ranges(path: str, ranges: list[tuple[int, int]]) -> int:
    """Overwrite (offset, bytes) ranges of a blob with zeros, by writing the file anew; the bytes erased."""
    with storage.open_read(path) as f:
        data = bytearray(f.read())
    n = 0
    for offset, size in ranges:
        data[offset : offset + size] = bytes(len(data[offset : offset + size]))
        n += size
    storage.write_bytes(path, bytes(data))
    return n
