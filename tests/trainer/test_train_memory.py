"""What saves time or memory changes no number: recomputation, chunked cross-entropy, compiled blocks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.support.tiny_vlm import DESIGNS, config, document, model
from trainer.batch import join
from trainer.model import vlm
from trainer.model.vlm import VLM


def gradients(m: VLM, b) -> tuple[torch.Tensor, dict[str, torch.Tensor | None]]:
    loss = m.train()(b)
    loss.backward()
    return loss.detach(), {n: p.grad for n, p in m.named_parameters()}


def same(a, b) -> None:
    torch.testing.assert_close(a[0], b[0], rtol=0, atol=1e-10)
    for n, g in a[1].items():
        assert (g is None) == (b[1][n] is None), n
        if g is not None:
            torch.testing.assert_close(g, b[1][n], rtol=0, atol=1e-10, msg=n)


@pytest.mark.parametrize(("fusion", "kind"), [d for d in DESIGNS if d[1] in ("perceiver", "resampler")])
def test_recomputation_and_chunks_change_nothing(fusion: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    m = model(kind, fusion)
    b = join([document(m, 1, [(2, 4)]), document(m, 2, [(4, 2)])])
    plain = gradients(m, b)
    again = VLM(replace(config(kind, fusion), recompute=True)).double()
    again.load_state_dict(m.state_dict())
    same(plain, gradients(again, b))
    monkeypatch.setattr(vlm, "CHUNK", 4)
    m.zero_grad(set_to_none=True)
    same(plain, gradients(m, b))


def test_compiled_blocks_change_nothing():
    torch._dynamo.reset()
    m, other = model("perceiver"), model("perceiver")
    for block in [*other.vision.layers, *other.layers]:
        block.compile(dynamic=True, backend="aot_eager")
    for seed, shapes in enumerate([[(2, 4)], [(4, 2), (2, 2)]]):
        b = join([document(m, seed, shapes), document(m, seed + 10, [(2, 2)], words=3 + seed)])
        m.zero_grad(set_to_none=True), other.zero_grad(set_to_none=True)
        same(gradients(m, b), gradients(other, b))
