"""Every pair rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from tests.filters.cases.items import NOTHING, B, Cases, pair

CASES: Cases = {
    "pair.similarity": [
        ({}, pair(), NOTHING, []),
        ({}, pair(similarity=0.15), {"pair_similarity": 0.15}, []),
        ({}, pair(similarity=-0.2), {"pair_similarity": -0.2}, [B]),
    ],
    "pair.margin": [
        ({}, pair(), NOTHING, []),
        ({}, pair(margin=0.0), {"pair_margin": 0}, []),
        ({}, pair(margin=-0.01), {"pair_margin": -0.01}, [B]),
    ],
}
