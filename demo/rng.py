"""Random streams named by what they are for: equal names give equal draws, on any platform and in any order."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Stream:
    """Draws from one stream. Only integer draws of Mersenne Twister are used, which CPython keeps stable across versions."""

    def __init__(self, *name: object) -> None:
        digest = hashlib.blake2b("\x1f".join(str(part) for part in name).encode(), digest_size=16).digest()
        self._random = random.Random(int.from_bytes(digest, "big"))

    def below(self, n: int) -> int:
        """An integer in [0, n). ValueError if n < 1."""
        if n < 1:
            raise ValueError(f"cannot draw below {n}")
        return (self._random.getrandbits(48) * n) >> 48

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return self._random.getrandbits(53) / (1 << 53)

    def chance(self, p: float) -> bool:
        return self.fraction() < p

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """k different positions of `items`, in drawn order (all of them, shuffled, if there are fewer)."""
        pool = list(items)
        out = []
        while pool and len(out) < k:
            i = self.below(len(pool))
            pool[i], pool[-1] = pool[-1], pool[i]
            out.append(pool.pop())
        return out
