"""Measures of a page's nodes stand at their places, whatever rules a configuration has."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.web.capture import RuleSets

WORDS, FORMAT = "paragraph.word_count", "image.url_format"


@pytest.mark.parametrize("rules", [(), (WORDS,), (FORMAT,), (WORDS, FORMAT)])
@pytest.mark.parametrize(("texts", "images"), [([], []), ([0, 2], [1]), ([], [0, 1, 2]), ([0, 1, 2], [])])
def test_measures_by_node(rules, texts, images):
    sets = RuleSets({name: {} for name in rules})
    assert [bool(sets.paragraph.measures), bool(sets.image.measures)] == [WORDS in rules, FORMAT in rules]
    table = np.full((len(sets.paragraph.measures), len(texts)), 5.0)
    got = sets.by_node(3, texts, table, images, [dict.fromkeys(sets.image.measures, 7.0)] * len(images))
    assert got.shape == (len(sets.node_measures), 3)
    for name, row in zip(sets.node_measures, got, strict=True):
        places, value = (texts, 5.0) if name in sets.paragraph.measures else (images, 7.0)
        assert [i for i, v in enumerate(row) if v == value] == places and np.isnan(row).sum() == 3 - len(places)
