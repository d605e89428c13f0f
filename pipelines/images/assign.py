"""Images to texts, one to one, of greatest total similarity (MMC4, Zhu et al. 2023, section 3: linear assignment)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

NEVER = -1e6  # similarity of a pair that was not measured


def assign(similarities: Mapping[int, Mapping[int, float]]) -> dict[int, tuple[int, float]]:
    """image -> (text, similarity), from image -> text -> similarity. Every text gets at most one image; an image that gets none is
    left out. Ties go to the earlier text."""
    from scipy.optimize import linear_sum_assignment

    images = sorted(similarities)
    texts = sorted({t for row in similarities.values() for t in row})
    if not images or not texts:
        return {}
    matrix = np.full((len(images), len(texts)), NEVER)
    column = {t: j for j, t in enumerate(texts)}
    for i, image in enumerate(images):
        for text, s in similarities[image].items():
            matrix[i, column[text]] = s
    rows, cols = linear_sum_assignment(matrix, maximize=True)
    return {images[i]: (texts[j], float(matrix[i, j])) for i, j in zip(rows.tolist(), cols.tolist(), strict=True) if matrix[i, j] > NEVER}
