"""What a similarity threshold means for a model: how much it keeps, and how well it tells right pairs from wrong ones.

Thresholds do not carry over between models: 0.243 keeps 30 % of raw web pairs with ViT-L/14, 0.281 with ViT-B/32 (DataComp, Gadre et al.
2023, Table 16). So look the threshold up for the run's own model, or ask `select` for a kept share.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pipelines import storage
from pipelines.settings.score import ClipSettings, ScoreSettings
from pipelines.stage import Done

FRACTIONS = (0.01, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99)


class CalibrationError(ValueError):
    """There is nothing to calibrate on; the message says what is needed."""


class Kept(NamedTuple):
    """`similarity` as a lower limit keeps this share of `pairs` pairs."""

    similarity: float
    fraction: float
    pairs: int


class Quality(NamedTuple):
    """How well dropping what lies below `threshold` finds the wrong pairs of a labelled set."""

    threshold: float
    precision: float  # of what is dropped, the share that is wrong
    recall: float  # of what is wrong, the share that is dropped
    kept: float  # share of all pairs that stay
    f1: float


def kept_fractions(similarities: Sequence[float], fractions: Iterable[float] = FRACTIONS) -> list[Kept]:
    """The similarity of each kept fraction: an exact quantile, no interpolation."""
    if not len(similarities):
        raise CalibrationError("no scored pairs: run the score stage with score.clip.model set")
    order = np.sort(np.asarray(similarities, np.float64))[::-1]
    n = len(order)
    out = []
    for f in fractions:
        limit = float(order[max(1, round(f * n)) - 1])
        out.append(Kept(limit, float((order >= limit).mean()), n))
    return out


def quality(similarities: Sequence[float], right: Sequence[bool], thresholds: Sequence[float] | None = None) -> list[Quality]:
    """Precision and recall of dropping at each threshold; by default at every value that separates two pairs, at most 200."""
    s, good = np.asarray(similarities, np.float64), np.asarray(right, bool)
    if len(s) == 0 or good.all() or not good.any():
        raise CalibrationError("a labelled set needs right and wrong pairs")
    if thresholds is None:
        values = np.unique(s)
        thresholds = values[np.linspace(0, len(values) - 1, min(200, len(values))).astype(int)].tolist()
    out = []
    for t in thresholds:
        dropped = s < t
        hit = int((dropped & ~good).sum())
        precision = hit / int(dropped.sum()) if dropped.any() else 1.0
        recall = hit / int((~good).sum())
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        out.append(Quality(float(t), precision, recall, float((~dropped).mean()), f1))
    return out


def best(table: Sequence[Quality]) -> Quality:
    """The threshold of greatest F1; of equals the lowest."""
    return max(table, key=lambda q: (q.f1, -q.threshold))


def of_run(score: Done, language: str = "") -> list[float]:
    """The best similarities of a run's pairs (its sample of rejects left out), of one language if asked."""
    out: list[float] = []
    for path in score.paths("placements"):
        t = storage.read_table(path, ["pair_similarity", "shadow", "language"])
        rows = zip(*(t[c].to_pylist() for c in ("pair_similarity", "shadow", "language")), strict=True)
        out += [s for s, shadow, lang in rows if s is not None and not shadow and (not language or lang == language)]
    return out


def labelled(path: str, clip: ClipSettings, score: ScoreSettings | None = None) -> tuple[list[float], list[bool]]:
    """(similarities, right?) of a labelled set: a JSON Lines file of {"image": file beside it, "text": ..., "right": true|false}.
    CalibrationError names the line that cannot be used."""
    from pipelines.guard import Death, Guard, GuardLimits
    from pipelines.images.bucket_work import decode_setup
    from pipelines.images.decode import ALWAYS, MAKE, unpack
    from pipelines.images.texts import cut_windows
    from pipelines.images.unit_work import rounded
    from pipelines.models.clip import load

    s = score or ScoreSettings()
    model = load(clip)
    folder = path.rsplit("/", 1)[0] if "/" in path else "."
    pixels, windows, right = [], [], []
    with Guard(
        MAKE, GuardLimits(memory_bytes=s.memory_bytes, seconds_per_item=s.seconds), setup=decode_setup(s, model.target).dump()
    ) as guard:
        for number, line in enumerate(storage.read_bytes(path).decode("utf-8").splitlines(), 1):
            if not line.strip():
                continue
            row = _row(line, f"{path}:{number}")
            reply = guard(ALWAYS + storage.read_bytes(storage.join(folder, row["image"])))
            facts, seen = ({"status": reply.message}, None) if isinstance(reply, Death) else unpack(reply, model.target)
            if seen is None:
                raise CalibrationError(f"{path}:{number}: {row['image']} cannot be decoded ({facts['status']})")
            pixels.append(seen)
            windows.append(cut_windows(row["text"], model.context, s.windows) or (row["text"],))
            right.append(row["right"])
    if not pixels:
        raise CalibrationError(f"{path}: no pairs in it")
    images = model.images(np.stack(pixels))
    distinct = sorted({w for ws in windows for w in ws})
    texts = dict(zip(distinct, model.texts(distinct), strict=True))
    return [rounded(max(float(texts[w] @ v) for w in ws), s.precision) for v, ws in zip(images, windows, strict=True)], right


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as e:
        raise CalibrationError(f"{where}: not JSON: {e}") from e
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("image"), str)
        or not isinstance(row.get("text"), str)
        or not isinstance(row.get("right"), bool)
    ):
        raise CalibrationError(f'{where}: expected {{"image": "file", "text": "...", "right": true or false}}')
    return row
