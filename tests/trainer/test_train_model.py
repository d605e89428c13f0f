"""The model: Hugging Face's numbers, packed = separate, no leak, LoRA and DoRA = peft, FLOPs = torch's, one batch overfits."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny_vlm import DESIGNS, SHAPES, document, model
from trainer import flops, freeze
from trainer.batch import Batch, join
from trainer.config import RecipeError, Rule
from trainer.generate import greedy
from trainer.model import attend
from trainer.model.lora import Lora, merge


@pytest.mark.parametrize(("fusion", "kind"), DESIGNS)
def test_packed_is_separate_and_dense(fusion: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    docs = [document(model(kind, fusion), i, s) for i, s in enumerate(SHAPES)]
    results = []
    for groups, dense in ((docs, False), ([join(docs)], False), ([join(docs)], True)):
        monkeypatch.setattr(attend, "DENSE", dense)
        m = model(kind, fusion)
        loss = sum(m(b) for b in groups)
        loss.backward()
        results.append((loss.detach(), {n: p.grad for n, p in m.named_parameters()}))
    for loss, grads in results[1:]:
        torch.testing.assert_close(loss, results[0][0], rtol=0, atol=1e-10)
        for n, g in grads.items():
            if kind == "resampler" and n.startswith("vision.norm."):  # of the pooled output, unused
                continue
            assert g is not None, n
            torch.testing.assert_close(g, results[0][1][n], rtol=0, atol=1e-10, msg=n)


@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.parametrize("what", ["text", "image"])
def test_a_document_never_reaches_another(fusion: str, what: str):
    m = model("perceiver", fusion, torch.float32).eval()
    a, b = document(m, 1, [(2, 4)]), document(m, 2, [(4, 4)])
    before = m.logits(join([a, b]))
    if what == "text":
        a.tokens[0] = (a.tokens[0] + 1) % 256
    else:
        a.patches = 255 - a.patches
    after = m.logits(join([a, b]))
    n = len(a.tokens)
    assert torch.equal(before[n:], after[n:])
    assert not torch.equal(before[:n], after[:n])


@pytest.mark.parametrize("dora", [False, True])
def test_adapters_equal_peft(dora: bool):
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    base = torch.nn.Linear(12, 20).double()
    ours = Lora(base, 4, 8.0, dora)
    torch.nn.init.normal_(ours.b)
    plain = torch.nn.Sequential(torch.nn.Linear(12, 20).double())
    plain[0].load_state_dict(base.state_dict())
    other = peft.get_peft_model(plain, peft.LoraConfig(r=4, lora_alpha=8, target_modules=["0"], use_dora=dora, lora_dropout=0.0)).double()
    layer = other.base_model.model[0]
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(ours.a)
        layer.lora_B["default"].weight.copy_(ours.b)
        if dora:
            layer.lora_magnitude_vector["default"].weight.copy_(ours.magnitude)
    x = torch.randn(5, 12).double()
    ours(x).pow(2).sum().backward()
    other(x).pow(2).sum().backward()
    torch.testing.assert_close(ours(x), other(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.a.grad, layer.lora_A["default"].weight.grad, rtol=0, atol=1e-8)
    torch.testing.assert_close(ours.b.grad, layer.lora_B["default"].weight.grad, rtol=0, atol=1e-8)
    y = ours(x)
    torch.testing.assert_close(ours.merged()(x), y, rtol=0, atol=1e-10)


MODES = {
    "train": (), "frozen": (Rule(modules="vision", mode="frozen"), Rule(modules="layers", mode="frozen")),
    "lora": (Rule(modules="vision.layers", mode="lora", rank=8), Rule(modules="layers", mode="lora", rank=8)),
    "dora": (Rule(modules="vision.layers", mode="dora", rank=8), Rule(modules="layers", mode="dora", rank=8)),
}  # fmt: skip


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize(("fusion", "kind"), DESIGNS)
def test_one_batch_overfits_and_frozen_parts_stay(kind: str, fusion: str, mode: str):
    m = model(kind, fusion, torch.float32)
    ruled = freeze.apply(m, MODES[mode])
    before = {n: p.detach().clone() for n, p in m.named_parameters()}
    b = join([document(m, 1, [(2, 4)], 4), document(m, 2, [(4, 2)], 4)])
    optimizer = torch.optim.AdamW(freeze.groups(m, ruled, 0.0), lr=1e-2)
    for _ in range(200):
        loss = m(b) / b.targets
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss < 0.1:
            break
    assert loss < 0.1
    for n, p in m.named_parameters():
        if kind == "resampler" and n.startswith("vision.norm."):
            continue
        assert torch.equal(p, before[n]) != p.requires_grad, n
    y = m.eval().logits(b)
    torch.testing.assert_close(merge(m).logits(b), y, rtol=1e-3, atol=1e-3)


def test_a_rule_that_matches_nothing_is_refused():
    with pytest.raises(RecipeError, match="visoin"):
        freeze.apply(model(), (Rule(modules="visoin", mode="frozen"),))


@pytest.mark.parametrize("mode", ["train", "frozen"])
@pytest.mark.parametrize(("fusion", "kind"), DESIGNS)
def test_flops_are_torchs(kind: str, fusion: str, mode: str, monkeypatch: pytest.MonkeyPatch):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    m = model(kind, fusion)
    freeze.apply(m, MODES[mode])
    b = document(m, 3, [(2, 4), (2, 2)])
    with sdpa_kernel(SDPBackend.MATH):  # plain matrix products: counted as they are
        with FlopCounterMode(display=False) as forward:
            loss = m(b)
        with FlopCounterMode(display=False) as backward:
            loss.backward()
    assert flops.count(m, b, causal_full=True) == (forward.get_total_flops(), backward.get_total_flops())


@pytest.mark.parametrize("fusion", ["ar", "cross"])
def test_generation_with_cache_is_generation_without(fusion: str):
    m = model("perceiver", fusion).eval()
    prompts = [document(m, 1, [(2, 4)]), document(m, 2, []), document(m, 3, [(2, 2), (4, 4)])]
    got = greedy(m, join(prompts), set(), 6)
    for p, answer in zip(prompts, got, strict=True):
        for t in answer:
            assert int(m.logits(p)[-1].argmax()) == t
            n = len(p.tokens)
            runs = [*p.runs[:-1], (p.runs[-1][0], n + 1, *p.runs[-1][2:])] if p.runs else []
            p = Batch(torch.cat([p.tokens, torch.tensor([t])]), torch.arange(n + 1), torch.full((n + 1,), -100), [0, n + 1],
                      p.patches, p.grids, p.slots, runs)  # fmt: skip
