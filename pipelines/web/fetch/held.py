"""Images that need not be asked for: recorded by an earlier fetch, archived beside their page, or fetched by img2dataset.

Each function yields (row for the journal, bytes). What cannot be read there is not yielded and so is fetched from the web.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines import storage
from pipelines.settings.fetch import FetchSettings
from pipelines.stage import StageError
from pipelines.web import http, warc
from pipelines.web.fetch import moved
from pipelines.web.fetch.answer import Answer, is_passing, words
from pipelines.web.fetch.engine import Result
from pipelines.web.fetch.img2dataset import stored
from pipelines.web.fetch.lists import load_lists
from pipelines.web.fetch.record import row_of
from pipelines.web.optout import Signal, acting, image_signals
from pipelines.web.records import Record
from pipelines.web.urls import host_of
from schemas import layout
from schemas.manifest import loads_stage

Held = tuple[dict[str, Any], bytes]


def from_earlier(
    run: str, digest: str, part: str, wanted: dict[str, str], parts: Sequence[str], lanes: Mapping[str, int]
) -> Iterator[Held]:
    """Every final answer that an earlier fetch stage has for a part; what it handed on is handed on again; a status that may pass is left to be asked again. StageError if it is gone."""
    root = storage.join(run, layout.stage_dir("fetch", digest))
    where = storage.join(root, layout.STAGE_MANIFEST)
    if not storage.exists(where):
        raise StageError(f'fetch.earlier = {digest!r}: no finished fetch in {root}; set it to "" to fetch everything again')
    manifest = loads_stage(storage.read_bytes(where), where)
    there = manifest.parts["bucket"]
    same = tuple(there) == tuple(parts) and manifest.facts.get("lanes", {}) == lanes  # then each URL is where it was
    for name in [part] if same else there:
        yield from _recorded(root, name, wanted)
    if same and not moved.is_one(part):
        for r in storage.read_table(storage.join(root, layout.table_file(moved.TABLE, part))).to_pylist():
            if r["image_id"] in wanted:
                yield moved.journal_row(r), b""


def _recorded(root: str, bucket: str, wanted: dict[str, str]) -> Iterator[Held]:
    rows = [
        r for r in storage.read_table(storage.join(root, layout.table_file("urls", bucket))).to_pylist()
        if r["image_id"] in wanted and not is_passing(r["status"])
    ]  # fmt: skip
    signals: dict[str, list[dict[str, Any]]] = {}
    for o in storage.read_table(storage.join(root, layout.table_file("optouts", bucket))).to_pylist():
        signals.setdefault(o["id"], []).append({k: o[k] for k in ("signal", "value", "token", "acted", "evidence")})
    files: dict[str, Any] = {}
    try:
        for r in rows:
            body = b""
            if r["bytes"]:
                if r["blob"] not in files:
                    files[r["blob"]] = storage.open_read(storage.join(root, r["blob"]))
                files[r["blob"]].seek(r["blob_offset"])
                body = files[r["blob"]].read(r["bytes"])
            kept = {k: v for k, v in r.items() if k not in ("bucket", "blob", "blob_offset")}
            yield {**kept, "optouts": signals.get(r["image_id"], [])}, body
    finally:
        for f in files.values():
            f.close()


def from_archives(pointers: Iterable[dict[str, Any]], settings: FetchSettings) -> Iterator[Held]:
    """Images in the archives that the pages came from: the newest capture of each URL. Their own headers and the supplied lists
    are obeyed as on the web; the archive's crawler has asked robots.txt."""
    newest: dict[str, dict[str, Any]] = {}
    for p in pointers:
        key = (p["fetched_at"], p["path"], p["offset"])
        if p["image_id"] not in newest or key > tuple(newest[p["image_id"]][k] for k in ("fetched_at", "path", "offset")):
            newest[p["image_id"]] = p
    blocked = load_lists(settings.opt_out_lists)
    tokens = frozenset(settings.opt_out_tokens)
    for p in sorted(newest.values(), key=lambda p: (p["path"], p["offset"])):
        answer, signals = _listed(p["url"], blocked) or _archived(p, settings.max_bytes, tokens)
        if answer is None:
            continue
        result = Result(p["image_id"], p["url"], host_of(p["url"]), answer._replace(address_class="archive"), 0, 0.0, signals)
        yield row_of(result, p["fetched_at"]), answer.body


def _listed(url: str, blocked: Any) -> tuple[Answer, tuple[tuple[Signal, str], ...]] | None:
    if not (why := blocked(url)):
        return None
    return words(why, url), ((Signal(why.removeprefix("opt-out: "), host_of(url), "listed"), ""),)


def _archived(p: dict[str, Any], cap: int, tokens: frozenset[str]) -> tuple[Answer | None, tuple[tuple[Signal, str], ...]]:
    where = f"{p['path']}:{p['offset']}"
    try:
        record = next((r for r in warc.read_at(p["path"], p["offset"], p["length"]) if isinstance(r, Record)), None)
        if record is None or record.problem:
            raise ValueError(record.message if record else "no record there")
        response = http.parse(record.block, cap)
    except (OSError, ValueError) as e:
        logging.getLogger(__name__).warning("image %s is fetched from the web: its archived copy %s cannot be read: %s", p["url"], where, e)
        return None, ()
    if not response.body or response.partial:
        return None, ()
    found = image_signals(response.headers)
    said = tuple((s, s.evidence) for s in found)
    answer = Answer("success", response.status, p["url"], 0, "archive", response.header("content-type")[:200], (), b"", 0.0, where)
    if reserved := acting(found, tokens):
        return answer._replace(status=f"opt-out: {reserved.token}"), said
    return answer._replace(body=response.body), said


def from_img2dataset(folder: str, wanted: dict[str, str], settings: FetchSettings) -> Iterator[Held]:
    """What a folder of img2dataset holds of the wanted URLs; the supplied opt-out lists are obeyed."""
    blocked = load_lists(settings.opt_out_lists)
    for found in stored(folder, frozenset(wanted.values())):
        for image_id in [i for i, u in wanted.items() if u == found.url]:
            answer, signals = _listed(found.url, blocked) or (
                Answer("success", 200, found.url, 0, "img2dataset", found.media_type, (), found.data, 0.0, found.where), ()
            )  # fmt: skip
            yield row_of(Result(image_id, found.url, host_of(found.url), answer, 0, 0.0, signals), found.fetched_at), answer.body
