"""The last word on documents: what is left of them after their images' fates, document rules, splits; rows of select's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from filters.base import RuleSet
from filters.text.document import DocumentView
from pipelines.images.assign import assign
from pipelines.images.choose import Fate
from pipelines.settings.select import SelectSettings
from schemas import tables
from schemas.ids import fraction_of
from schemas.reasons import Reason
from schemas.rows import IMAGE, TEXT, Document, Node

TRAIN, VALIDATION = "train", "val"
END = "end"


@dataclass
class Selection:
    """Rows of a unit, as they grow."""

    unit: str
    documents: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=lambda: {"kept": 0, "dropped": 0})  # marks between parts of a document

    def tables(self, measures: Iterable[str]) -> dict[str, pa.Table]:
        out = {
            "selected": pa.Table.from_pylist(self.documents, tables.wide("selected", measures)),
            "node_decisions": pa.Table.from_pylist(self.nodes, tables.schema("node_decisions")),
            "verdicts": pa.Table.from_pylist(self.verdicts, tables.schema("verdicts")),
        }
        if self.assignments:
            out["assignments"] = pa.Table.from_pylist(self.assignments, tables.schema("assignments"))
        return out


def select_document(
    out: Selection, row: int, d: Document, fates: Mapping[int, Fate], texts: Mapping[int, Mapping[int, float]], contaminated: str,
    rules: RuleSet, s: SelectSettings, seed: int,
) -> None:  # fmt: skip
    """Judge one document. `fates`: by node index, of its images; `texts`: per image the similarity with each text node."""
    where = {"doc_id": d.doc_id, "unit": out.unit, "row": row}
    own = {n.index: _fate(n, fates) for n in d.nodes if n.kind == IMAGE and not n.reason}
    if s.assignment:
        given = assign({i: texts.get(i, {}) for i, f in own.items() if not f.reasons})
        out.assignments += [
            {**where, "index": i, "image_id": _id(d, i), "text_index": t, "similarity": x} for i, (t, x) in sorted(given.items())
        ]
        if s.assignment_drop:
            lost = Fate((str(Reason.IMAGE_UNASSIGNED),), "", None)
            own = {i: lost if not f.reasons and i not in given and texts.get(i) else f for i, f in own.items()}
    final = d._replace(nodes=tuple(n._replace(reason=own[n.index].first) if n.index in own else n for n in d.nodes))
    n_text = sum(1 for n in final.nodes if n.kind == TEXT and n.role != END and not n.reason)
    n_images = sum(1 for n in final.nodes if n.kind == IMAGE and not n.reason)
    reasons = [str(Reason.CONTAMINATED)] if contaminated else []
    if s.require_image and not n_images:
        reasons.append(str(Reason.NO_IMAGE))
    if s.require_text and not n_text:
        reasons.append(str(Reason.NO_TEXT))
    measures = rules.measure(DocumentView(final)) if rules else {}
    verdict = rules.judge(measures, d.language)
    reasons += verdict.reasons
    kept = not reasons
    out.documents.append(
        {**where, "kept": kept, "reason": reasons[0] if reasons else "", "reasons": reasons, "split": split_of(d, s, seed) if kept else "",
         "n_text": n_text, "n_images": n_images, **measures}
    )  # fmt: skip
    for n in d.nodes:
        if n.reason:
            continue
        fate = own.get(n.index)
        reason = fate.first if fate else ""
        gone = reason or ("" if kept else str(Reason.DOCUMENT_DROPPED))
        out.nodes.append(
            {**where, "index": n.index, "kind": n.kind, "image_id": n.image_id, "kept": not gone, "reason": gone,
             "duplicate_of": fate.duplicate_of if fate else "", "similarity": fate.similarity if fate else None}
        )  # fmt: skip
        if fate is not None:
            out.verdicts.append(
                {**where, "index": n.index, "image_id": n.image_id, "kept": not gone, "first_reason": gone,
                 "reasons": list(fate.reasons), "shadow_reasons": list(fate.shadow_reasons)}
            )  # fmt: skip
        if n.role == END:
            out.ends["dropped" if gone else "kept"] += 1


def _fate(n: Node, fates: Mapping[int, Fate]) -> Fate:
    if n.index not in fates:
        raise ValueError(f"score has no row for image node {n.index} ({n.url[:200]}): run the score stage again")
    return fates[n.index]


def _id(d: Document, index: int) -> str:
    return next(n.image_id for n in d.nodes if n.index == index)


def split_of(d: Document, s: SelectSettings, seed: int) -> str:
    """`val` for a share of documents (or of domains) chosen by hash, else `train`."""
    key = d.domain if s.split_by == "domain" else d.doc_id
    return VALIDATION if fraction_of(key, f"split {seed}") < s.validation_share else TRAIN
