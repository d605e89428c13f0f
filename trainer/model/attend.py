"""Attention over segments of one long row: queries cu_q[i]:cu_q[i+1] see keys cu_k[i]:cu_k[i+1] and nothing else."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F

DENSE = False  # the oracle of the tests: one masked call instead of one call a segment
FLEX = False  # FlexAttention wherever it runs; by itself it is taken on a GPU for what varlen has no kernel for


class Bounds:
    """Segment bounds that torch.compile does not look into: a graph made for a list of them serves that one list."""

    __slots__ = ("cu",)

    def __init__(self, cu: list[int]):
        self.cu = cu


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cu_q: list[int] | Bounds, cu_k: list[int] | Bounds, causal: bool
) -> torch.Tensor:
    """q (T, H, D); k, v (S, Hk, D) with Hk dividing H. On a GPU one call (varlen for half precision, else Flex); on a CPU segment by
    segment (no kernel there), as float64 anywhere."""
    cu_q, cu_k = (c.cu if isinstance(c, Bounds) else c for c in (cu_q, cu_k))
    if q.is_cuda and not FLEX and q.dtype in (torch.bfloat16, torch.float16):
        from torch.nn.attention.varlen import varlen_attn

        if k.shape[1] != q.shape[1]:
            k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], 1) for x in (k, v))
        a, b = (_on(tuple(c), q.device) for c in (cu_q, cu_k))
        longest = [max(y - x for x, y in zip(c, c[1:], strict=False)) for c in (cu_q, cu_k)]  # host numbers: no sync
        window = (-1, 0) if causal else (-1, -1)
        return varlen_attn(q.contiguous(), k.contiguous(), v.contiguous(), a, b, *longest, window_size=window)
    if FLEX or (q.is_cuda and q.dtype == torch.float32 and not DENSE):
        from trainer.model.flex import flex

        return flex(q, k, v, tuple(cu_q), tuple(cu_k), causal)
    if DENSE:
        return sdpa(q, k, v, mask(cu_q, cu_k, causal, q.device))
    n, a, b = len(cu_q) - 1, cu_q[-1] // max(1, len(cu_q) - 1), cu_k[-1] // max(1, len(cu_k) - 1)
    if n > 1 and cu_q == list(range(0, n * a + 1, a or 1)) and cu_k == list(range(0, n * b + 1, b or 1)):
        return batched(q, k, v, n, causal and a > 1)  # crops of one size, most often: one call
    out = []
    for i in range(n):
        qs, ks = slice(cu_q[i], cu_q[i + 1]), slice(cu_k[i], cu_k[i + 1])
        m = causal and qs.stop - qs.start > 1
        out.append(sdpa(q[qs], k[ks], v[ks], None, m))
    return torch.cat(out)


_plain = attend


def opaque(on: bool = True) -> None:
    """Keep torch.compile out of attention (it breaks the graph there): what is compiled around it depends on row lengths alone."""
    global attend
    attend = torch.compiler.disable(_plain) if on else _plain


def bounds(cu: list[int]) -> list[int] | Bounds:
    """What to hand to blocks that may be compiled."""
    return cu if attend is _plain else Bounds(cu)


@lru_cache(maxsize=8)
def _on(cu: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Segment bounds on the device, sent once a pack and not once a layer."""
    return torch.tensor(cu, dtype=torch.int32, device=device)


def batched(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, n: int, causal: bool) -> torch.Tensor:
    """n segments of equal length in one call."""
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], 1) for x in (k, v))
    q, k, v = (x.unflatten(0, (n, -1)).transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(0, 1)


def mask(cu_q: list[int], cu_k: list[int], causal: bool, device: torch.device) -> torch.Tensor:
    """The dense mask, True = may see."""
    m = torch.zeros(cu_q[-1], cu_k[-1], dtype=torch.bool, device=device)
    for a, b, c, d in zip(cu_q, cu_q[1:], cu_k, cu_k[1:], strict=False):
        block = torch.ones(b - a, d - c, dtype=torch.bool, device=device)
        m[a:b, c:d] = block.tril() if causal else block
    return m


def sdpa(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, m: torch.Tensor | None, causal: bool = False) -> torch.Tensor:
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], 1) for x in (k, v))
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, m, is_causal=causal)[0].transpose(0, 1)


def cumulative(sizes: list[int]) -> list[int]:
    out = [0]
    for s in sizes:
        out.append(out[-1] + s)
    return out
