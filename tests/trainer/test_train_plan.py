"""The plan and the reader: every document once, one order for every world size, holes that change nothing."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch

from trainer.config import Images, RecipeError, parse
from trainer.image import BadImage, decode
from trainer.lengths import Length
from trainer.plan import Costs, Plan, SourcePlan, of_rank, rng
from trainer.read import Reader, stream
from trainer.setup import Corpus
from trainer.train import train
from trainer.why import why

COSTS = Costs(Images(side=56), 14, 4)


def lengths(n: int, seed: int = 0) -> list[Length]:
    """Documents of lognormal size, a third of the nodes images."""
    out = []
    for i in range(n):
        r = rng(seed, i)
        k = r.randint(1, 9)
        t = [-1 if j % 3 == 2 else max(1, min(900, int(r.lognormvariate(4, 1)))) for j in range(k)]
        out.append(Length(tuple(t), tuple(56 if x < 0 else 0 for x in t), tuple(42 if x < 0 else 0 for x in t)))
    return out


def plan(n: int = 3000, **kw) -> Plan:
    args = {"tokens": 1024, "patches": 400, "window": 1024, "seed": 3} | kw
    return Plan([SourcePlan("a", "h", lengths(n))], COSTS, **args)


def test_each_node_once_per_epoch_within_budget_and_well_filled():
    packs = list(plan().epoch(0, 0))
    nodes = Counter((s.doc, i) for p in packs for s in p for i in range(s.first, s.last))
    assert nodes == Counter((d, i) for d, x in enumerate(lengths(3000)) for i in range(len(x.tokens)))
    assert all(sum(s.tokens for s in p) <= 1024 and sum(s.patches for s in p) <= 400 for p in packs)
    assert sum(s.tokens for p in packs for s in p) / (1024 * len(packs)) >= 0.99


def test_epochs_differ_and_same_seed_same_plan():
    p = plan(300)
    assert list(p.epoch(0, 0)) != list(p.epoch(0, 1))
    assert [p[i] for i in range(50)] == [plan(300)[i] for i in range(50)]
    assert p.hash == plan(300).hash != plan(300, seed=4).hash


@pytest.mark.parametrize("world", [1, 2, 4, 8])
def test_every_document_once_an_epoch_in_the_same_steps_for_any_world(world: int, tiny):
    """What the ranks read, not what the plan says: nodes by key, step by step (8 packs a step)."""
    recipe = tiny()
    stage, corpus = recipe.stage[0], Corpus(recipe)
    p = corpus.plan(stage)
    epoch = len(list(p.epoch(0, 0)))

    def read(world: int) -> list[list[tuple[str, int]]]:
        """Per step, the (document, node) of all ranks."""
        ranks = [of_rank(range(epoch), world, r) for r in range(world)]
        found: list[list[tuple[str, int]]] = [[] for _ in range(-(-epoch // 8))]
        for mine in ranks:
            for b in stream(p, corpus.reader(stage), mine):
                found[b.number // 8] += [(d["key"], n) for d in b.provenance for n in range(*d["nodes"])]
        return [sorted(step) for step in found]

    steps = read(world)
    assert steps == read(1)
    index, known = corpus.indexes[0], corpus.lengths[0]
    assert Counter(x for step in steps for x in step) == Counter(
        (e.key, n) for e, x in zip(index.entries, known, strict=True) for n in range(len(x.tokens))
    )


def test_sources_mix_by_tokens_within_one_pack():
    p = Plan([SourcePlan("a", "1", lengths(500, 1), 0.7), SourcePlan("b", "2", lengths(500, 2), 0.3)], COSTS, tokens=1024, patches=400)
    for n in (10, 100, 400):
        p[n]
        given = p.given
        assert abs(given[0] - 0.7 * sum(given)) <= 1024


def test_workers_and_cursor_do_not_change_batches(tiny):
    recipe = tiny()
    stage = recipe.stage[0]
    corpus = Corpus(recipe)

    def keys(first: int, workers: int) -> list:
        batches = stream(corpus.plan(stage), corpus.reader(stage), list(range(first, 12)), workers)
        return [(b.number, b.tokens.tolist(), int(b.patches.sum())) for b in batches]

    whole = keys(0, 0)
    assert whole == keys(0, 2)
    assert whole[5:] == keys(5, 0)


def test_pictures_kept_in_memory_are_the_same_and_stay_bounded(tiny):
    recipe = tiny()
    stage, corpus = recipe.stage[0], Corpus(recipe)
    plan = corpus.plan(stage)
    plain = corpus.reader(stage)
    kept = Reader(corpus.indexes, corpus.tok, plain.costs, stage.tokens, patches=stage.patches, memory=30_000)
    asked: list[int] = []
    images = kept.images
    kept.images = lambda *a: (asked.append(1), images(*a))[1]  # type: ignore[method-assign]
    for number in [0, 0, 1, 1, 2, 0, 5]:
        a, b = plain.batch(plan[number]), kept.batch(plan[number])
        assert torch.equal(a.patches, b.patches) and torch.equal(a.tokens, b.tokens)
        assert kept.held == sum(p.numel() for v in kept.kept.values() for p in v) <= 30_000
    assert 0 < len(asked) < sum(len(plain.batch(plan[n]).grids) for n in [0, 0, 1, 1, 2, 0, 5])


def test_broken_images_leave_holes_and_the_plan_as_it_is(run_maker, tiny, tmp_path):
    made = [run_maker(tmp_path / n, broken=b) for n, b in (("good", frozenset()), ("bad", frozenset({1, 4, 7})))]
    out = []
    for run in made:
        recipe = tiny(f'data.shards="{run}"')
        corpus = Corpus(recipe)
        p = corpus.plan(recipe.stage[0])
        epoch = len(list(p.epoch(0, 0)))
        out.append((p, [b for b in stream(p, corpus.reader(recipe.stage[0]), list(range(epoch)))]))
    (good, a), (bad, b) = out
    assert [x.spans for x in map(good.__getitem__, range(9))] == [x.spans for x in map(bad.__getitem__, range(9))]
    assert not any(x.bad for x in a)
    assert sum(len(x.bad) for x in b) == sum(len(x.grids) for x in a) - sum(len(x.grids) for x in b) > 0


def test_labels_never_name_images_or_another_document(tiny):
    recipe = tiny()
    corpus = Corpus(recipe)
    tok = corpus.tok
    for b in stream(corpus.plan(recipe.stage[0]), corpus.reader(recipe.stage[0]), list(range(8))):
        assert not {tok.image, tok.fake, tok.bos, tok.pad} & set(b.labels.tolist())
        for start, end in zip(b.cu, b.cu[1:], strict=False):
            assert b.labels[end - 1] == -100
            kept = b.labels[start : end - 1] >= 0
            assert (b.labels[start : end - 1][kept] == b.tokens[start + 1 : end][kept]).all()
        assert len(b.slots) == 3 * len(b.grids)


def test_why_names_the_documents_that_were_read(tiny):
    recipe = tiny("stage.steps=3")
    train(recipe)
    corpus = Corpus(recipe)
    batches = list(stream(corpus.plan(recipe.stage[0]), corpus.reader(recipe.stage[0]), list(range(4, 8))))
    assert [r["key"] for r in why(recipe.run.out, 2)] == [p["key"] for b in batches for p in b.provenance]
    with pytest.raises(ValueError, match="step 9"):
        why(recipe.run.out, 9)


def test_hostile_images_are_named():
    for data in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\nxx", b"<svg/>"):
        with pytest.raises(BadImage):
            decode(data)


def test_unknown_keys_suggest():
    with pytest.raises(RecipeError, match="did you mean 'steps'"):
        parse("[[stage]]\nstepz = 3\n", "r.toml")
    with pytest.raises(RecipeError, match="none of"):
        parse('[model]\nfusion = "both"\n', "r.toml")
    assert parse("", "r", ["stage=[{steps=3}]", "stage.lr=0.5"]).stage[0].lr == 0.5
    assert json.dumps(parse("", "r").run.out)
