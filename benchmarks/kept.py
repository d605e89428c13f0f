"""The share of pairs that `select` keeps beside the share that was asked for, on a finished run's stored measures.

    weft bench kept RUN        or        python -m benchmarks.kept RUN [--json]

Runs the select stage again into a folder of its own, once per share, over all pairs and then of each language, and counts in its
tables: of the scored pairs that nothing else drops, how many stay.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

SHARES = (0.05, 0.1, 0.3, 0.5, 0.8, 0.95)
POINTS = 0.5  # percentage points by which they may differ
CUT, AFTER = "pair.similarity.below", "image.duplicate.in_document"  # what the share decides; what is judged after it


@dataclass(frozen=True)
class Kept:
    """`kept` of `pairs` pairs (of one language, or of all: "") where the share `asked` was asked for. `tied`: pairs as similar as the
    least similar that stayed."""

    asked: float
    language: str
    pairs: int
    kept: int
    tied: int

    @property
    def points(self) -> float:
        """Percentage points between the two."""
        return abs(100 * self.kept / self.pairs - 100 * self.asked) if self.pairs else 0.0

    @property
    def ok(self) -> bool:
        """Within half a point; of fewer than 100 pairs, as near as whole pairs allow (half a pair is more than half a point then)."""
        return not self.pairs or self.points <= max(POINTS, 50 / self.pairs) + 1e-9


def shares(score: Any, select: Any, asked: float, per_language: bool) -> list[Kept]:
    """Counted from the tables of the two stages (`Done`)."""
    from pipelines import storage

    reasons = {}
    for path in select.paths("verdicts"):
        for r in storage.read_table(path, ["doc_id", "index", "reasons"]).to_pylist():
            reasons[(r["doc_id"], r["index"])] = set(r["reasons"])
    kept: dict[str, list[float]] = {}
    every: dict[str, list[float]] = {}
    for path in score.paths("placements"):
        for r in storage.read_table(path, ["doc_id", "index", "language", "scored", "shadow", "pair_similarity"]).to_pylist():
            own = reasons[(r["doc_id"], r["index"])]
            if not r["scored"] or r["shadow"] or r["pair_similarity"] is None or own - {CUT, AFTER}:
                continue
            language = r["language"] if per_language else ""
            every.setdefault(language, []).append(r["pair_similarity"])
            if CUT not in own:
                kept.setdefault(language, []).append(r["pair_similarity"])
    out = []
    for language, values in sorted(every.items()):
        stayed = kept.get(language, [])
        tied = Counter(values)[min(stayed)] if stayed else 0
        out.append(Kept(asked, language, len(values), len(stayed), tied))
    return out


def measure(run: str) -> list[Kept]:
    """All shares, over the run and per language. StageError if the run has no finished score stage."""
    from pipelines import storage
    from pipelines.run import finished_stages
    from pipelines.settings.config import parse
    from pipelines.stage import StageError, execute
    from pipelines.stages.select import SelectStage
    from schemas import layout

    config = parse(storage.read_bytes(storage.join(run, layout.CONFIG)).decode(), "config.toml")
    done = dict(finished_stages(run, config))
    inputs = {n: found for n in SelectStage.reads if (found := done.get(n)) is not None}
    if len(inputs) < len(SelectStage.reads):
        raise StageError(f"{run}: not scored by this version; run it again first")
    out = []
    for per_language in (False, True):
        for asked in SHARES:
            own = config.select.model_copy(update={"keep_fraction": asked, "keep_per_language": per_language})
            with tempfile.TemporaryDirectory() as folder:
                chosen = execute(SelectStage(), folder, config.model_copy(update={"select": own}), inputs).done
                out += shares(inputs["score"], chosen, asked, per_language)
    return out


def main(run: str, json: bool = False) -> int:
    """Print the table. 0 if every share is the one asked for, else 1."""
    rows = measure(run)
    if json:
        print(jsonlib.dumps([{**asdict(r), "points": round(r.points, 4), "ok": r.ok} for r in rows], indent=1))
    else:
        print(f"{'asked':>8} {'language':>9} {'pairs':>7} {'kept':>7} {'share':>9} {'points off':>11} {'tied':>5}")
        for r in rows:
            share = f"{100 * r.kept / r.pairs:.2f} %" if r.pairs else "-"
            print(
                f"{100 * r.asked:6.0f} % {r.language or 'all':>9} {r.pairs:7} {r.kept:7} {share:>9} {r.points:11.3f} {r.tied:5}{'' if r.ok else '  below'}"
            )
    return 0 if all(r.ok for r in rows) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    sys.exit(main(a.run, a.json))
