"""Which images stay, decided from the stored measures of a unit and from what holds over the run. No picture is opened.

Order of reasons: not fetched or not decoded, on an evaluation set, image rules, too many copies, pair rules (or the kept share), a
second time in the document, no text of its own (assignment).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from filters.base import Limit, RuleSet
from pipelines.images.fraction import Cut, cut_of
from schemas.reasons import Reason

SUCCESS = "success"
JUDGED = pa.schema(
    [("row", pa.int32()), ("index", pa.int32()), ("doc_id", pa.string()), ("image_id", pa.string()), ("language", pa.string()),
     ("sha256", pa.string()), ("pdq", pa.string()), ("quality", pa.float64()), ("similarity", pa.float64()), ("shadow", pa.bool_()),
     ("base", pa.string()), ("image_reasons", pa.list_(pa.string())), ("pair_reasons", pa.list_(pa.string())),
     ("shadow_reasons", pa.list_(pa.string()))]
)  # fmt: skip


def not_fetched(status: str) -> str:
    """The reason for a fetch status; "" = there are bytes. Opt-outs are told apart as fetch tells them."""
    if status == SUCCESS:
        return ""
    return str(Reason.IMAGE_OPT_OUT if status.startswith(("opt-out", "robots.txt disallows")) else Reason.IMAGE_NOT_FETCHED)


def fails(limit: Limit, values: NDArray[np.float64], languages: NDArray[np.object_]) -> NDArray[np.bool_]:
    """`Limit.fails` over columns; NaN = absent, passes."""
    with np.errstate(invalid="ignore"):
        beyond = values > limit.value if limit.side == "above" else values < limit.value
    if limit.only:
        beyond &= np.isin(languages, limit.only)
    if limit.but:
        beyond &= ~np.isin(languages, limit.but)
    return beyond


def failing(limits: Sequence[Limit], table: pa.Table) -> list[list[str]]:
    """Per row the reasons of all limits that fail, in order."""
    out: list[list[str]] = [[] for _ in range(table.num_rows)]
    languages = np.array(table["language"].to_pylist(), dtype=object)
    for limit in limits:
        if limit.measure in table.column_names:
            for i in np.flatnonzero(fails(limit, _floats(table[limit.measure]), languages)).tolist():
                out[i].append(limit.reason)
    return out


def _floats(column: Any) -> NDArray[np.float64]:
    return column.cast(pa.float64()).fill_null(float("nan")).to_numpy().astype(np.float64)


def judge(placements: pa.Table, images: RuleSet, pairs: RuleSet, contaminated: Sequence[str]) -> pa.Table:
    """JUDGED rows of a unit: what its own measures say. `contaminated` names the evaluation set of each row, or ""."""
    status, reason = placements["status"].to_pylist(), placements["reason"].to_pylist()
    base = []
    for s, r, c in zip(status, reason, contaminated, strict=True):
        base.append(not_fetched(s) or r or (str(Reason.IMAGE_CONTAMINATED) if c else ""))
    watched = [a + b for a, b in zip(failing(images.watched(), placements), failing(pairs.watched(), placements), strict=True)]
    nan = pa.nulls(placements.num_rows, pa.float64())
    quality = placements["image_pdq_quality"] if "image_pdq_quality" in placements.column_names else nan
    return pa.table(
        {
            **{c: placements[c] for c in ("row", "index", "doc_id", "image_id", "language", "sha256", "pdq")},
            "quality": quality, "similarity": placements["pair_similarity"], "shadow": placements["shadow"], "base": base,
            "image_reasons": failing(images.limits(), placements), "pair_reasons": failing(pairs.limits(), placements),
            "shadow_reasons": watched,
        }, schema=JUDGED,
    )  # fmt: skip


def taken_down(judged: pa.Table, hit: Sequence[bool]) -> pa.Table:
    """JUDGED rows with those that were taken down dropped for that reason, before all others."""
    base = [str(Reason.IMAGE_TAKEDOWN) if h else b for h, b in zip(hit, judged["base"].to_pylist(), strict=True)]
    return judged.set_column(judged.column_names.index("base"), "base", pa.array(base, pa.string()))


@dataclass(frozen=True)
class Choice:
    """What holds over the run."""

    combine: str = "and"
    cuts: Mapping[str, Cut] = field(default_factory=dict)  # empty: pair rules decide
    in_document: bool = True


@dataclass(frozen=True)
class Fate:
    """The verdict on one image node."""

    reasons: tuple[str, ...]
    duplicate_of: str
    similarity: float | None
    shadow_reasons: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        return self.reasons[0] if self.reasons else ""


def key_of(doc_id: str, index: int) -> str:
    """The name of a pair in ties."""
    return f"{doc_id}\x1f{index}"


def candidate(base: str, image_reasons: Sequence[str], combine: str) -> bool:
    """Whether an image is still there when copies are counted and shares are cut."""
    return not base and (combine == "or" or not image_reasons)


def fates(judged: pa.Table, copies: Mapping[tuple[int, int], tuple[str, str]], choice: Choice) -> dict[tuple[int, int], Fate]:
    """(row, index) -> verdict. `copies`: image nodes that go because of another picture of the run -> (reason, the image they repeat)."""
    out: dict[tuple[int, int], Fate] = {}
    seen: dict[tuple[int, str], tuple[int, str]] = {}
    for r in judged.sort_by([("row", "ascending"), ("index", "ascending")]).to_pylist():
        at, duplicate_of = (r["row"], r["index"]), ""
        pair = pair_reasons(r, choice.cuts)
        reasons = [r["base"]] if r["base"] else []
        if choice.combine == "and" or pair:
            reasons += r["image_reasons"]
        if at in copies:
            reason, duplicate_of = copies[at]
            reasons.append(reason)
        if choice.combine == "and" or r["image_reasons"]:
            reasons += pair
        if not reasons and choice.in_document and r["sha256"]:
            first = seen.setdefault((r["row"], r["sha256"]), (r["index"], r["image_id"]))
            if first[0] != r["index"]:
                reasons, duplicate_of = [str(Reason.IMAGE_IN_DOCUMENT)], first[1]
        out[at] = Fate(tuple(reasons), duplicate_of, r["similarity"], tuple(r["shadow_reasons"]))
    return out


def pair_reasons(r: Mapping[str, Any], cuts: Mapping[str, Cut]) -> list[str]:
    """Pair rules; with a kept share, its cut in place of the similarity's lower limit."""
    if not cuts:
        return list(r["pair_reasons"])
    out = [x for x in r["pair_reasons"] if x != "pair.similarity.below"]
    cut = cut_of(cuts, r["language"])
    if cut is not None and r["similarity"] is not None and not cut.keeps(r["similarity"], key_of(r["doc_id"], r["index"])):
        out.insert(0, "pair.similarity.below")
    return out


def texts_of(pairs: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], dict[int, float]]:
    """(row, index) -> text node -> similarity, for the assignment; caption and alt count as a text of the image's own node."""
    out: dict[tuple[int, int], dict[int, float]] = {}
    for p in pairs:
        own = out.setdefault((p["row"], p["index"]), {})
        for t in p["texts"]:
            own[t["index"]] = max(own.get(t["index"], -1.0), t["similarity"])
    return out
