"""Keep an exact share of the pairs: the cut is a similarity and, among pairs of exactly that similarity, a hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.ids import fraction_of

SALT = "select.tie"
ALL = ""  # the cut of every language that has none of its own


@dataclass(frozen=True)
class Cut:
    """Keep what is above `similarity`, and what equals it if its hash is at most `tie`."""

    similarity: float
    tie: float

    def keeps(self, similarity: float, key: str) -> bool:
        return similarity > self.similarity or (similarity == self.similarity and fraction_of(key, SALT) <= self.tie)


def cut_for(similarities: Sequence[float], keys: Sequence[str], fraction: float) -> Cut:
    """The cut that keeps round(fraction x n) of n pairs. `keys` name the pairs and break ties; equal similarities are many once
    rounded. Nothing to keep: a cut above everything."""
    n = len(similarities)
    most = round(fraction * n)
    if most <= 0:
        return Cut(float("inf"), -1.0)
    if most >= n:
        return Cut(float("-inf"), 1.0)
    limit = sorted(similarities, reverse=True)[most - 1]
    above = sum(s > limit for s in similarities)
    ties = sorted(fraction_of(k, SALT) for s, k in zip(similarities, keys, strict=True) if s == limit)
    return Cut(limit, ties[most - above - 1])


def cuts(
    similarities: Sequence[float], keys: Sequence[str], languages: Sequence[str], fraction: float, per_language: bool
) -> dict[str, Cut]:
    """One cut for all, or one per language."""
    if not per_language:
        return {ALL: cut_for(similarities, keys, fraction)}
    groups: dict[str, list[int]] = {}
    for i, language in enumerate(languages):
        groups.setdefault(language, []).append(i)
    return {
        language: cut_for([similarities[i] for i in rows], [keys[i] for i in rows], fraction) for language, rows in sorted(groups.items())
    }


def cut_of(found: Mapping[str, Cut], language: str) -> Cut | None:
    return found.get(language, found.get(ALL))
