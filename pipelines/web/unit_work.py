"""One unit of stage extract: records of a range (or of pointers) through the guarded child into the unit's tables."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from pipelines import tombstones
from pipelines.guard import Death, Guard
from pipelines.settings.config import Config
from pipelines.web import capture, http
from pipelines.web.capture import Item, Row, RuleSets, identify_record, item_of
from pipelines.web.inputs import Unit, crawl_of
from pipelines.web.records import Problem, Record
from pipelines.web.taken import Taken
from pipelines.web.unit_tables import UnitTables
from pipelines.web.warc import read_at, read_records
from schemas.ids import image_id
from schemas.manifest import Part
from schemas.rows import TEXT, Dead

STAGE = "extract"
_NOTHING: list[str] = []  # shared by the rows of all nodes that failed nothing


def read_unit(unit: Unit, root: str, config: Config, guard: Guard) -> tuple[list[tuple[str, Part]], dict[str, Any]]:
    """Write the tables of a unit below `root`; the files written and the numbers to add up. SourceError if its archive cannot
    be read (then nothing is written and the unit can be run again)."""
    rules = RuleSets(config.filters)
    with UnitTables(root, unit.name, rules.document_measures, rules.node_measures) as tables:
        work = _Work(unit, tables, Taken(tombstones.load(config.run.takedowns), config.extract.require_image))
        encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Row)
        sent: list[Item] = []  # in the guard's hands, oldest first

        def items() -> Iterator[tuple[bytes, memoryview, memoryview]]:
            for path, found in _records(unit):
                if isinstance(found, Problem):
                    work.problem(path, found)
                    continue
                item = item_of(found, work.number, path, crawl_of(path, config.input.crawl))
                work.number += 1
                if found.problem and not _is_other_media(found):
                    work.dead(item, found.problem, found.message)
                    continue
                sent.append(item)
                yield encoder.encode(item), *http.split(found.block)

        for _, answer in guard.map(items(), batch=config.extract.batch):
            item = sent.pop(0)
            if isinstance(answer, Death):
                work.dead(item, answer.kind, answer.message, answer.trace)
            else:
                work.row(item, decoder.decode(answer))
    return tables.written(), work.facts()


def _records(unit: Unit) -> Iterator[tuple[str, Record | Problem]]:
    if not unit.pointers:
        yield from ((unit.path, r) for r in read_records(unit.path, unit.start, unit.end))
        return
    for path, offset, length in unit.pointers:
        yield from ((path, r) for r in read_at(path, offset, length))


def _is_other_media(record: Record) -> bool:
    """A record too large to be read whole that says it is no HTML: a film is dropped as not HTML, it is no failure."""
    if record.problem != "too_large":
        return False
    try:
        head = http.parse(record.block[: 64 << 10])
    except http.HttpError:
        return False
    return bool(head.media_type) and not http.is_html(head)


class _Work:
    """Turns answers into rows."""

    def __init__(self, unit: Unit, tables: UnitTables, taken: Taken):
        self.unit, self.tables, self.taken = unit.name, tables, taken
        self.number = 0  # records so far
        self.counts: Counter[str] = Counter()

    def facts(self) -> dict[str, Any]:
        own = {k: self.counts[k] for k in ("paragraphs", "images", "problems")}
        pages = {k.removeprefix("page."): n for k, n in sorted(self.counts.items()) if k.startswith("page.")}
        return {"records": self.number, **own, "pages": pages}

    def problem(self, path: str, p: Problem) -> None:
        self.counts["problems"] += 1
        self._dead(Dead(STAGE, self.unit, "", "", path, p.offset, p.length, p.kind, p.message, _group(p.kind)))

    def dead(self, item: Item, kind: str, message: str, trace: str = "") -> None:
        who = identify_record(item.url, item.date, item.crawl)
        trace = trace or _group(kind)
        self._dead(Dead(STAGE, self.unit, who.doc_id, item.url, item.path, item.offset, item.length, kind, message, trace))

    def _dead(self, dead: Dead) -> None:
        self.tables.add("dead", tuple(dead._replace(message=_clean(dead.message[:500]), url=_clean(dead.url))))

    def row(self, item: Item, row: Row) -> None:
        if row.dead is not None:
            self.dead(item, *row.dead)
            return
        row = self.taken.out_of(row)
        for key, n in row.facts.items():
            self.counts[f"page.{key}"] += n
        who, kept, add = row.identity, not row.reasons, self.tables.add
        document = (who.doc_id, who.url, who.canonical_url, who.domain, item.crawl, item.path, item.offset, item.length, who.fetched_at,
                    row.title, row.language, row.language_score)  # fmt: skip
        position = -1
        if kept:
            position = add("documents", (*document, row.nodes))
        elif row.store and row.nodes:
            add("rejects", (*document, row.nodes))
        if row.image:
            add("archived", (image_id(who.url), who.url, item.path, item.offset, item.length, row.image, who.fetched_at))
        n_text, n_images, text_bytes = self._nodes(item, row)
        counts = (self.unit, item.record, position, n_text, n_images, text_bytes)
        add("document_measures", (*document, *counts, kept, "" if kept else row.reasons[0], row.reasons, row.shadow, *row.measures))
        for subject, signal, value, token, acted, evidence in row.optouts:
            add("optouts", (subject, who.doc_id, who.url, signal, value, token, acted, who.fetched_at, evidence))

    def _nodes(self, item: Item, row: Row) -> tuple[int, int, int]:
        """The rows of a page's nodes, as columns; of the kept ones the paragraphs, images and bytes of text."""
        if not row.nodes:
            return 0, 0, 0
        n = len(row.nodes)
        index, kinds, roles, _, urls, _, _, _, _, image_ids, dropped = zip(*row.nodes, strict=True)
        passed, first, reasons, shadow = [True] * n, [""] * n, [_NOTHING] * n, [_NOTHING] * n
        for i, judged in row.judged.items():
            reasons[i], shadow[i] = judged.reasons, judged.shadow
            if judged.reasons:
                passed[i], first[i] = False, judged.reasons[0]
        one = ([row.identity.doc_id] * n, [self.unit] * n, [item.record] * n)
        self.tables.add_nodes((*one, index, kinds, roles, image_ids, urls, row.text_bytes, [not row.reasons] * n, passed, first, reasons, shadow,
                                     [row.language] * n), np.frombuffer(row.node_measures).reshape(-1, n))  # fmt: skip
        paragraphs = images = n_text = n_images = text_bytes = 0
        for kind, role, reason, size in zip(kinds, roles, dropped, row.text_bytes, strict=True):
            if role == capture.END_ROLE:
                continue
            if kind == TEXT:
                paragraphs += 1
                n_text += not reason
            else:
                images += 1
                n_images += not reason
            if not reason:
                text_bytes += size
        self.counts["paragraphs"] += paragraphs
        self.counts["images"] += images
        return n_text, n_images, text_bytes


def _group(kind: str) -> str:
    return hashlib.blake2b(kind.encode(), digest_size=6).hexdigest()


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
