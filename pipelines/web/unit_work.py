"""One unit of stage extract: records of a range (or of pointers) through the guarded child into the unit's tables."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from pipelines.guard import Death, Guard
from pipelines.settings.config import Config
from pipelines.web import capture, http
from pipelines.web.capture import Identity, Item, Row, RuleSets, identify_record, item_of
from pipelines.web.inputs import Unit, crawl_of
from pipelines.web.records import Problem, Record
from pipelines.web.unit_tables import UnitTables, extract_schemas
from pipelines.web.warc import read_at, read_records
from schemas.manifest import Part
from schemas.rows import IMAGE, TEXT, Dead, Node

STAGE = "extract"


def read_unit(unit: Unit, root: str, config: Config, guard: Guard) -> tuple[list[tuple[str, Part]], dict[str, Any]]:
    """Write the tables of a unit below `root`; the files written and the numbers to add up. SourceError if its archive cannot
    be read (then nothing is written and the unit can be run again)."""
    rules = RuleSets(config.filters)
    with UnitTables(root, unit.name, extract_schemas(rules.document_measures, rules.node_measures)) as tables:
        work = _Work(unit, tables, rules)
        encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Row)
        sent: list[Item] = []  # in the guard's hands, oldest first

        def items() -> Iterator[bytes]:
            for path, found in _records(unit):
                if isinstance(found, Problem):
                    work.problem(path, found)
                    continue
                item = item_of(found, work.number, path, crawl_of(path, config.input.crawl))
                work.number += 1
                if found.problem and not _is_other_media(found):
                    work.dead(item, found.problem, found.message)
                    continue
                sent.append(msgspec.structs.replace(item, block=b""))
                yield encoder.encode(item)

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

    def __init__(self, unit: Unit, tables: UnitTables, rules: RuleSets):
        self.unit, self.tables, self.rules = unit.name, tables, rules
        self.number = 0  # records so far
        self.counts: Counter[str] = Counter()

    def facts(self) -> dict[str, Any]:
        own = {k: self.counts[k] for k in ("paragraphs", "images", "problems")}
        pages = {k.removeprefix("page."): n for k, n in sorted(self.counts.items()) if k.startswith("page.")}
        return {"records": self.number, **own, "pages": pages}

    def problem(self, path: str, p: Problem) -> None:
        self.counts["problems"] += 1
        trace = hashlib.blake2b(p.kind.encode(), digest_size=6).hexdigest()
        self._dead(Dead(STAGE, self.unit, "", "", path, p.offset, p.length, p.kind, p.message, trace))

    def dead(self, item: Item, kind: str, message: str, trace: str = "") -> None:
        who = identify_record(item.url, item.date, item.crawl)
        trace = trace or hashlib.blake2b(kind.encode(), digest_size=6).hexdigest()
        self._dead(Dead(STAGE, self.unit, who.doc_id, item.url, item.path, item.offset, item.length, kind, message, trace))

    def _dead(self, dead: Dead) -> None:
        self.tables.add("dead", {**dead._asdict(), "message": _clean(dead.message[:500]), "url": _clean(dead.url)})

    def row(self, item: Item, row: Row) -> None:
        if row.dead is not None:
            self.dead(item, *row.dead)
            return
        for key, n in row.facts.items():
            self.counts[f"page.{key}"] += n
        document = self._document(item, row)
        nodes = [Node(*n) for n in row.nodes]
        position = -1
        if not row.reasons:
            position = self.tables.add("documents", {**document, "nodes": [n._asdict() for n in nodes]})
        elif row.store and nodes:
            self.tables.add("rejects", {**document, "nodes": [n._asdict() for n in nodes]})
        self._measures(item, row, document, nodes, position)
        for n, size, judged in zip(nodes, row.text_bytes, row.judged, strict=True):
            if n.role != capture.END_ROLE:
                self.counts["paragraphs" if n.kind == TEXT else "images"] += 1
            self.tables.add("nodes", {
                "doc_id": document["doc_id"], "unit": self.unit, "record": item.record, "index": n.index, "kind": n.kind, "role": n.role,
                "image_id": n.image_id, "url": n.url, "text_bytes": size, "document_kept": not row.reasons,
                "kept": not judged.reasons, "first_reason": judged.reasons[0] if judged.reasons else "", "reasons": judged.reasons,
                "shadow_reasons": judged.shadow, "language": row.language,
                **dict(zip(self.rules.node_measures, judged.measures, strict=False)),
            })  # fmt: skip
        for subject, signal, value, token, acted, evidence in row.optouts:
            self.tables.add("optouts", {
                "subject": subject, "id": document["doc_id"], "url": document["url"], "signal": signal, "value": value, "token": token,
                "acted": acted, "seen_at": document["fetched_at"], "evidence": evidence,
            })  # fmt: skip

    def _document(self, item: Item, row: Row) -> dict[str, Any]:
        who: Identity = row.identity
        return {
            "doc_id": who.doc_id, "url": who.url, "canonical_url": who.canonical_url, "domain": who.domain, "crawl": item.crawl,
            "warc_path": item.path, "warc_offset": item.offset, "warc_length": item.length, "fetched_at": who.fetched_at,
            "title": row.title, "language": row.language, "language_score": row.language_score,
        }  # fmt: skip

    def _measures(self, item: Item, row: Row, document: dict[str, Any], nodes: list[Node], position: int) -> None:
        kept = [(n, size) for n, size in zip(nodes, row.text_bytes, strict=True) if not n.reason and n.role != capture.END_ROLE]
        self.tables.add("document_measures", {
            **document, "unit": self.unit, "record": item.record, "row": position,
            "n_text": sum(n.kind == TEXT for n, _ in kept), "n_images": sum(n.kind == IMAGE for n, _ in kept),
            "text_bytes": sum(size for _, size in kept),
            "kept": not row.reasons, "first_reason": row.reasons[0] if row.reasons else "", "reasons": row.reasons,
            "shadow_reasons": row.shadow, **dict(zip(self.rules.document_measures, row.measures, strict=False)),
        })  # fmt: skip


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
