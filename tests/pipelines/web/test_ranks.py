"""The quick form of the trees answers as the plain one, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.web.dom import boost, model, ranks


def _model(rng, features: int, trees: int, depth: int) -> boost.Trees:
    names = tuple(f"f{i}" for i in range(features))
    few = rng.normal(size=(features, 9)).astype(np.float32)
    feature = rng.integers(0, features, (trees, depth)).astype(np.int32)
    threshold = few[feature, rng.integers(0, 9, (trees, depth))]
    return boost.Trees(names, 0.25, feature, threshold, rng.normal(size=(trees, 2**depth)).astype(np.float32))


@pytest.mark.parametrize("items", [1, 31, ranks.TILE, ranks.TILE + 1, 3 * ranks.TILE - 5])
@pytest.mark.parametrize(("trees", "depth"), [(1, 1), (7, 5), (12, 6)])
def test_log_odds_are_those_of_the_plain_form(items, trees, depth):
    rng = np.random.default_rng(items)
    models = [_model(rng, 11, trees, depth), _model(rng, 11, trees + 2, depth)]
    x = rng.normal(size=(11, items)).astype(np.float32)
    x[:, ::3] = models[0].threshold[0, 0]  # values that are thresholds themselves
    x[2, ::5], x[3, ::7], x[4, ::4] = np.nan, np.inf, -np.inf
    scale, quick = ranks.ranked(models)
    room = scale.room(items)
    scale.rank(x[:6], 0, room)
    scale.rank(x[6:], 6, room)
    for plain, ranked in zip(models, quick, strict=True):
        assert (ranked.log_odds(room, items).view(np.int32) == plain.log_odds(x).view(np.int32)).all()


def test_the_shipped_models_answer_alike():
    models = [model.tables()["first"], model.tables()["second"]]
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(scale=3, size=(len(models[0].names), 500)), 1).astype(np.float32)
    scale, quick = ranks.ranked(models)
    room = scale.room(500)
    scale.rank(x, 0, room)
    for plain, ranked in zip(models, quick, strict=True):
        assert (ranked.log_odds(room, 500).view(np.int32) == plain.log_odds(x).view(np.int32)).all()


def test_trees_that_cannot_be_ranked_are_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="levels"):
        ranks.ranked([_model(rng, 3, 2, ranks.DEEPEST + 1)])
    many = np.arange(200, dtype=np.float32).reshape(200, 1)
    with pytest.raises(ValueError, match="thresholds"):
        ranks.ranked([boost.Trees(("a",), 0.0, np.zeros((200, 1), np.int32), many, np.zeros((200, 2), np.float32))])
