"""Scores of answers against what is right: exact match, VQA accuracy, ANLS, CIDEr; means with bootstrap intervals."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Sequence


def normal(text: str) -> str:
    """Lower case, without articles and punctuation, single spaces."""
    text = re.sub(r"[^\w\s.]|\.(?!\d)", " ", text.lower())
    return " ".join(w for w in text.split() if w not in ("a", "an", "the"))


def exact(answer: str, truths: Sequence[str]) -> float:
    return float(normal(answer) in {normal(t) for t in truths})


def vqa(answer: str, truths: Sequence[str]) -> float:
    """VQAv2: mean over leaving one annotator out of min(1, agreeing others / 3). With fewer than 3 truths: exact match."""
    if len(truths) < 3:
        return exact(answer, truths)
    a, ts = normal(answer), [normal(t) for t in truths]
    return sum(min(1.0, sum(t == a for j, t in enumerate(ts) if j != i) / 3) for i in range(len(ts))) / len(ts)


def anls(answer: str, truths: Sequence[str], threshold: float = 0.5) -> float:
    """Best 1 - (edit distance / longer length) over the truths; below the threshold 0 (arXiv 1905.13648)."""
    best = 0.0
    for t in truths:
        a, b = answer.lower().strip(), t.lower().strip()
        longest = max(len(a), len(b))
        best = max(best, 1 - _edits(a, b) / longest if longest else 1.0)
    return best if best >= threshold else 0.0


def _edits(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def cider(answers: Sequence[str], truths: Sequence[Sequence[str]]) -> list[float]:
    """CIDEr-D (arXiv 1411.5726): n-grams 1 to 4, tf-idf over these references, clipped, Gaussian length penalty 6, times 10."""

    def grams(text: str) -> Counter:
        w = normal(text).split()
        return Counter(tuple(w[i : i + n]) for n in range(1, 5) for i in range(len(w) - n + 1))

    references = [[grams(t) for t in ts] for ts in truths]
    frequency: Counter = Counter()
    for rs in references:
        frequency.update({g for r in rs for g in r})
    total = math.log(max(1, len(truths)))

    def weights(c: Counter, n: int) -> dict:
        return {g: k * max(0.0, total - math.log(max(1, frequency[g]))) for g, k in c.items() if len(g) == n}

    out = []
    for answer, rs in zip(answers, references, strict=True):
        c, score = grams(answer), 0.0
        for n in range(1, 5):
            a = weights(c, n)
            for r in rs:
                b = weights(r, n)
                norm = math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values()))
                apart = sum(k for g, k in c.items() if len(g) == 1) - sum(k for g, k in r.items() if len(g) == 1)
                dot = sum(min(x, b.get(g, 0.0)) * b.get(g, 0.0) for g, x in a.items())
                score += (dot / norm if norm else 0.0) * math.exp(-(apart**2) / 72) / len(rs) / 4
        out.append(10 * score)
    return out


def interval(scores: Sequence[float], draws: int = 1000, seed: int = 0) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval."""
    if not scores:
        return (math.nan,) * 3
    r, n = random.Random(seed), len(scores)
    means = sorted(sum(r.choices(scores, k=n)) / n for _ in range(draws))
    return sum(scores) / n, means[int(0.025 * draws)], means[int(0.975 * draws) - 1]
