"""What came of each finding, in one line: claims that hold, arms that are apart, skills above chance."""

from __future__ import annotations

from itertools import combinations

from ablation.claims import Claim, Finding
from ablation.table import Row, Spread, apart, chance


def verdicts(finding: Finding, found: list[Row]) -> list[tuple[Claim, Spread, Spread, int]]:
    """Each claim whose two arms are in the log, their spreads, and `apart` of them: 1 agrees, -1 does not, 0 cannot be told."""
    by_name = {r.name: r for r in found}
    pairs = [(c, by_name.get(c.better), by_name.get(c.worse)) for c in finding.claims]
    told = [(c, a.scores[c.skill], b.scores[c.skill]) for c, a, b in pairs if a and b]
    return [(c, x, y, apart(x, y)) for c, x, y in told]


def summary(finding: Finding, found: list[Row]) -> tuple[str, str, str, str]:
    """For one finding: skills above chance in every seed of some arm, pairs of arms apart, claims, and the statement in words."""
    usual = chance(found[0].lines[0])
    learned = [s for s, by_luck in usual.items() if any(r.scores[s].low > by_luck for r in found)]
    pairs = list(combinations(found, 2))
    separate = sum(apart(a.scores["average"], b.scores["average"]) != 0 for a, b in pairs)
    signs = [sign for *_, sign in verdicts(finding, found)]
    counts = f"{signs.count(1)} agree, {signs.count(-1)} do not, {signs.count(0)} open"
    if any(signs):
        words = "agrees" if -1 not in signs else "does not agree" if 1 not in signs else "agrees in part"
        words += ", where arms are apart" if 0 in signs else ""
    else:
        words = "not apart at this scale"
    return f"{len(learned)} of {len(usual)}: {', '.join(learned) or 'none'}", f"{separate} of {len(pairs)}", counts, f"**{words}**"
