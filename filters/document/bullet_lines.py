from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView

BULLETS = ("\u2022", "\u2023", "\u25e6", "\u25aa", "\u25cf", "\u25cb", "\u25b6", "\u00b7", "- ", "* ", "\u2013 ")


@dataclass(frozen=True)
class BulletLines(TextRule):
    """Share of lines that begin with a bullet. At most 0.9."""

    name: ClassVar[str] = "document.bullet_lines"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_bullet_lines",)
    max: float | None = 0.9

    def measure(self, item: DocumentView) -> Measures:
        lines = item.lines
        return {"doc_bullet_lines": sum(s.startswith(BULLETS) for s in lines) / len(lines)} if lines else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_bullet_lines", None, "max")
