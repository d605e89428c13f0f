"""The facts that image and pair rules read. They live in `schemas` because filters may not import pipelines."""

from __future__ import annotations

from schemas.image import ImageFacts, PairFacts

__all__ = ["ImageFacts", "PairFacts"]
