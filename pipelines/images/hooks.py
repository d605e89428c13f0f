"""Scorers that an operator plugs in: "package.module:function".

The function is called once per worker without arguments and returns the scorer: a list of RGB arrays (height x width x 3, uint8, of the
model's input size, or 224 x 224 without a model) in, one probability (0 to 1, None = cannot say) for each out. It runs in the worker,
not in the guarded child: it sees decoded pixels only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

Scorer = Callable[[Sequence[Any]], Sequence[float | None]]


class HookError(RuntimeError):
    """A scorer cannot be loaded or breaks its contract."""


@lru_cache(maxsize=8)
def load(name: str) -> Scorer:
    """The scorer that `name` makes."""
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
    except (ImportError, AttributeError) as e:
        raise HookError(f"cannot load scorer {name!r}: {e}; write package.module:function of something importable on every worker") from e
    if not callable(made):
        raise HookError(f"scorer {name!r} returned {type(made).__name__}, not a function")
    return made


def call(name: str, pictures: Sequence[Any]) -> list[float | None]:
    """The probabilities of some pictures, checked and rounded to 1e-4."""
    if not len(pictures):
        return []
    out = list(load(name)(pictures))
    if len(out) != len(pictures):
        raise HookError(f"scorer {name!r} gave {len(out)} numbers for {len(pictures)} pictures")
    for x in out:
        if x is not None and not 0 <= x <= 1:
            raise HookError(f"scorer {name!r} gave {x!r}: probabilities lie between 0 and 1")
    return [None if x is None else round(float(x), 4) for x in out]
