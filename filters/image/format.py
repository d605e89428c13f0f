from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, below


def normal(name: str) -> str:
    """`jpeg` for JPG and its kin, else the name in lower case."""
    low = name.lower()
    return "jpeg" if low in ("jpg", "jpe", "mpo", "jfif") else low


@dataclass(frozen=True)
class Format(Rule):
    """1 if the decoded format is allowed, else 0. At least 1."""

    name: ClassVar[str] = "image.format"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("image_format_allowed",)
    parameters: ClassVar[tuple[str, ...]] = ("formats",)
    min: int | None = 1
    formats: tuple[str, ...] = ("jpeg", "png", "webp")

    def measure(self, item: Any) -> Measures:
        return {"image_format_allowed": float(normal(item.format) in self.formats)} if item.format else {}

    def limits(self) -> tuple[Limit, ...]:
        return below("image_format_allowed", self.name, self.min)
