"""Readers of data sets made by others: OBELICS rows, MMC4's JSON lines, img2dataset's output folders."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.import_warc import Imported, Shown
from pipelines.web.fetch.img2dataset import stored

BATCH = 500  # rows whose images are held at once
_STAMP = re.compile(r"CC-MAIN-(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})-")


class ImportDataError(ValueError):
    """A file is not of the format it was said to be."""


def obelics(path: str, images: str = "") -> Iterator[Imported]:
    """OBELICS (and OmniCorpus, MINT-1T HTML) Parquet: parallel `texts` and `images` (URLs) with nulls, JSON strings `general_metadata`
    and `metadata`. `images`: img2dataset's output folder with the pictures, if there is one."""
    with storage.open_read(path) as f:
        file = pq.ParquetFile(f)
        if missing := {"texts", "images"} - set(file.schema_arrow.names):
            raise ImportDataError(f"{path}: no column {sorted(missing)}; OBELICS has texts, images, metadata, general_metadata")
        for batch in file.iter_batches(batch_size=BATCH):
            rows = batch.to_pylist()
            found = _bytes(images, {u for r in rows for u in r["images"] or () if u})
            yield from (_obelics_row(r, found, path) for r in rows)


def _obelics_row(row: dict[str, Any], found: dict[str, bytes], path: str) -> Imported:
    about, nodes = _json(row.get("general_metadata")), _json(row.get("metadata"))
    pieces: list[str | Shown] = []
    for i, (text, url) in enumerate(zip(row["texts"], row["images"], strict=True)):
        if url:
            node = nodes[i] if isinstance(nodes, list) and i < len(nodes) and isinstance(nodes[i], dict) else {}
            pieces.append(Shown(url, node.get("alt_text") or "", found.get(url)))
        elif text:
            pieces.append(text)
    about = about if isinstance(about, dict) else {}
    stamp = _STAMP.search(str(about.get("warc_filename", "")))
    date = "{}-{}-{}T{}:{}:{}Z".format(*stamp.groups()) if stamp else ""
    url = about.get("url") or row.get("url") or _made_up(json.dumps([row["texts"], row["images"]]))
    return Imported(str(url), tuple(pieces), str(about.get("title") or ""), date)


def mmc4(path: str, images: str = "") -> Iterator[Imported]:
    """MMC4 JSON lines (plain or .gz): `text_list`, `image_info` with `matched_text_index`; each image goes before the text it was
    matched with, as MMC4's authors do. Bytes from `image_base64`, else from an img2dataset folder."""
    batch: list[dict[str, Any]] = []
    with storage.open_read(path) as raw:
        lines = io.TextIOWrapper(gzip.open(raw) if path.endswith(".gz") else raw, encoding="utf-8")
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                row["text_list"], row["image_info"]  # noqa: B018
            except (ValueError, KeyError, TypeError) as e:
                raise ImportDataError(f"{path}:{number}: no MMC4 document ({type(e).__name__}: {e})") from e
            batch.append(row)
            if len(batch) >= BATCH:
                yield from _mmc4_rows(batch, images)
                batch = []
    yield from _mmc4_rows(batch, images)


def _mmc4_rows(rows: list[dict[str, Any]], images: str) -> Iterator[Imported]:
    found = _bytes(images, {i["raw_url"] for r in rows for i in r["image_info"] if not i.get("image_base64")})
    for r in rows:
        before: dict[int, list[Shown]] = {}
        for i in r["image_info"]:
            data = base64.b64decode(i["image_base64"]) if i.get("image_base64") else found.get(i["raw_url"])
            at = i.get("matched_text_index")
            before.setdefault(len(r["text_list"]) if at is None else at, []).append(Shown(i["raw_url"], "", data))
        pieces: list[str | Shown] = []
        for n, text in enumerate([*r["text_list"], ""]):
            pieces += [*before.pop(n, []), *([text] if text else [])]
        yield Imported(r.get("url") or _made_up(json.dumps(r["text_list"])), tuple(pieces))


def img2dataset(folder: str, images: str = "") -> Iterator[Imported]:
    """img2dataset's output (webdataset or files format): each success becomes a document of its picture and its caption."""
    shards = [n for n in storage.listing(folder) if n.endswith(".parquet")]
    if not shards:
        raise ImportDataError(f"{folder}: no <shard>.parquet: give the output folder of img2dataset")
    for shard in shards:
        t = storage.read_table(storage.join(folder, shard))
        captions = t["caption"].to_pylist() if "caption" in t.column_names else [""] * t.num_rows
        rows = [(u, c) for u, c, s in zip(t["url"].to_pylist(), captions, t["status"].to_pylist(), strict=True) if s == "success"]
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            found = _bytes(folder, {u for u, _ in part})
            for url, caption in part:
                host = urlsplit(url).netloc
                page = f"https://{host}/imported/{hashlib.sha256(f'{url} {caption}'.encode()).hexdigest()[:32]}"
                yield Imported(page, (Shown(url, caption or "", found.get(url)), *([caption] if caption else [])))


FORMATS = {"obelics": obelics, "mmc4": mmc4, "img2dataset": img2dataset}


def _bytes(folder: str, wanted: set[str]) -> dict[str, bytes]:
    return {s.url: s.data for s in stored(folder, wanted)} if folder and wanted else {}


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _made_up(content: str) -> str:
    """An address for a document that has none: by its content, under a name that no resolver knows."""
    return f"https://imported.invalid/{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:32]}"
