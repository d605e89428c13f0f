from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, between


@dataclass(frozen=True)
class FileSize(Rule):
    """Bytes of the file. At least 5,000."""

    name: ClassVar[str] = "image.file_size"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "LAION-5B (Schuhmann et al. 2022) section 3: 5 KB"
    measures: ClassVar[tuple[str, ...]] = ("image_file_size",)
    min: int | None = 5_000
    max: int | None = None

    def measure(self, item: Any) -> Measures:
        return {} if item.bytes is None else {"image_file_size": float(item.bytes)}

    def limits(self) -> tuple[Limit, ...]:
        return between("image_file_size", self.name, self.min, self.max)
