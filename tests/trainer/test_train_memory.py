"""What saves time or memory changes no number: recomputation, chunked cross-entropy, compiled blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._dynamo.backends.debugging import aot_eager

from tests.support.tiny_vlm import DESIGNS, config, document, model
from trainer.batch import join
from trainer.model import attend, flex, vlm
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


def test_compiled_blocks_change_nothing_and_serve_every_layout():
    torch._dynamo.reset()
    m, other = model("perceiver"), model("perceiver")
    graphs: list[int] = []

    def backend(graph: torch.fx.GraphModule, inputs: list) -> Any:
        graphs.append(len(inputs))
        return aot_eager(graph, inputs)

    vlm.compile_blocks(other, backend=backend)
    try:
        layouts = [[(2, 4)], [(4, 2), (2, 2)], [(2, 2), (4, 4), (2, 4)], [(6, 2)]]  # sizes by chance equal to a width would be taken for it
        for seed, shapes in enumerate(layouts):
            parts = [document(m, seed, shapes), *(document(m, seed + 10 * i, [(2, 2)], words=3 + seed + i) for i in range(1, 2 + seed))]
            b = join(parts)
            m.zero_grad(set_to_none=True), other.zero_grad(set_to_none=True)
            same(gradients(m, b), gradients(other, b))
            if seed == 1:
                made = len(graphs)
        assert graphs and len(graphs) == made, "packs of another number of documents and pictures need no new graph"
    finally:
        attend.opaque(False)
        torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore:flex_attention called without")
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(("cu_q", "cu_k"), [([0, 5, 6, 140, 141], [0, 5, 6, 140, 141]), ([0, 3, 6, 9], [0, 70, 71, 200])])
def test_flex_sees_what_the_dense_mask_shows(cu_q: list[int], cu_k: list[int], causal: bool, monkeypatch: pytest.MonkeyPatch):
    """Masks and outputs; on a GPU the same function runs compiled."""
    if causal and cu_q != cu_k:
        pytest.skip("only a cache has more keys than queries, and asks one query a segment")
    torch.manual_seed(0)
    q, k, v = (torch.randn(n, h, 8, dtype=torch.float64) for n, h in ((cu_q[-1], 4), (cu_k[-1], 2), (cu_k[-1], 2)))
    seen = flex.block_mask(tuple(cu_q), tuple(cu_k), causal, q.device).mask_mod
    rows, columns = torch.arange(cu_q[-1])[:, None], torch.arange(cu_k[-1])[None]
    assert torch.equal(seen(None, None, rows, columns), attend.mask(cu_q, cu_k, causal, q.device))
    plain = attend.attend(q, k, v, cu_q, cu_k, causal)
    monkeypatch.setattr(attend, "FLEX", True)
    torch.testing.assert_close(attend.attend(q, k, v, cu_q, cu_k, causal), plain, rtol=0, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_a_whole_model_by_flex(fusion: str, monkeypatch: pytest.MonkeyPatch):
    m = model("perceiver", fusion).eval()
    b = join([document(m, 1, [(2, 4)]), document(m, 2, [(4, 2), (2, 2)])])
    plain = m.logits(b)
    monkeypatch.setattr(attend, "FLEX", True)
    torch.testing.assert_close(m.logits(b), plain, rtol=0, atol=1e-10)
