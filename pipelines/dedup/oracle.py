"""What near-duplicate search must find, the slow and obvious way: every pair that has a shingle in common is compared, as words.

It shares with the stage the definition of a token and the MinHash values, nothing else: no buckets, no arrays, no partitions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pipelines.dedup.minhash import plain_signatures
from pipelines.dedup.shingles import Texts, plain_shingles, shingles
from pipelines.settings.dedup import DedupSettings


def edges(texts: Sequence[str], settings: DedupSettings, need_band: bool = True) -> dict[tuple[int, int], float]:
    """Pairs (i < j) of Jaccard at least the threshold -> Jaccard. `need_band`: only pairs whose signatures have a band in common (what
    LSH can see); without it, all there are."""
    sets = [plain_shingles([t], settings.shingle_words) for t in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, grams in enumerate(sets):
        for gram in grams:
            holders[gram].append(i)
    common: Counter[tuple[int, int]] = Counter()
    for documents in holders.values():
        for at, i in enumerate(documents):
            for j in documents[at + 1 :]:
                common[i, j] += 1
    jaccard = {p: n / (len(sets[p[0]]) + len(sets[p[1]]) - n) for p, n in common.items()}
    found = {p: s for p, s in sorted(jaccard.items()) if s >= settings.threshold}
    if not need_band:
        return found
    signature = plain_signatures(
        *shingles(Texts.of(list(texts)), settings.shingle_words), settings.bands * settings.rows, settings.seed
    ).tolist()
    r = settings.rows
    return {
        (i, j): s
        for (i, j), s in found.items()
        if any(signature[i][b * r : (b + 1) * r] == signature[j][b * r : (b + 1) * r] for b in range(settings.bands))
    }


def clusters(pairs: Iterable[tuple[int, int]]) -> set[frozenset[int]]:
    """The components of `edges`."""
    pairs = list(pairs)
    group = {i: {i} for pair in pairs for i in pair}
    for i, j in pairs:
        if group[i] is not group[j]:
            group[i] |= group[j]
            for member in group[j]:
                group[member] = group[i]
    return {frozenset(g) for g in group.values()}
