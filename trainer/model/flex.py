"""The same segments by FlexAttention: blocks of the score matrix that no segment touches are never computed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch


def flex(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cu_q: tuple[int, ...], cu_k: tuple[int, ...], causal: bool) -> torch.Tensor:
    """As `attend`. On a CPU it runs uncompiled and without a backward pass (torch has none): the tests compare its forward pass."""
    blocks = block_mask(cu_q, cu_k, causal, q.device)
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    return _run(q.is_cuda)(q, k, v, block_mask=blocks, enable_gqa=k.shape[1] != q.shape[1])[0].transpose(0, 1)


@lru_cache(maxsize=2)
def _run(compiled: bool) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=True) if compiled else flex_attention


@lru_cache(maxsize=8)
def block_mask(cu_q: tuple[int, ...], cu_k: tuple[int, ...], causal: bool, device: torch.device) -> Any:
    """The segments as a block mask, made once a pack (layers share it). A causal segment with more keys than queries (a cache) ends with them."""
    from torch.nn.attention.flex_attention import create_block_mask

    segment_q, place_q, length_q = _places(cu_q, device)
    segment_k, place_k, length_k = _places(cu_k, device)
    last = place_q + length_k[segment_q] - length_q[segment_q]  # the latest key of each query

    def seen(_b: torch.Tensor, _h: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        same = segment_q[i] == segment_k[j]
        return same & (place_k[j] <= last[i]) if causal else same

    return create_block_mask(seen, None, None, cu_q[-1], cu_k[-1], device=str(device))


def _places(cu: tuple[int, ...], device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every position its segment and its place in it; and the segments' lengths."""
    bounds = torch.tensor(cu, device=device)
    lengths = bounds.diff()
    segment = torch.repeat_interleave(torch.arange(len(lengths), device=device), lengths)
    return segment, torch.arange(cu[-1], device=device) - bounds[segment], lengths
