from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, below
from schemas.rows import Node

KNOWN = frozenset("jpg jpeg jpe jfif png webp gif svg svgz ico cur bmp tif tiff avif heic heif apng jxl jp2 psd eps".split())


def url_format(url: str) -> str:
    """The ending of the file name in a URL if it is that of an image format, lower case; '' otherwise."""
    path = url.split("#", 1)[0].split("?", 1)[0]
    ending = path[path.rfind("/") + 1 :].rpartition(".")[2].lower()
    return ending if ending in KNOWN else ""


@dataclass(frozen=True)
class UrlFormat(Rule):
    """1 if the file name in the image's URL ends in an allowed format, 0 if in another image format; none without such an ending. At
    least 1.
    """

    name: ClassVar[str] = "image.url_format"
    unit: ClassVar[Unit] = Unit.IMAGE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (format)"
    measures: ClassVar[tuple[str, ...]] = ("image_url_format",)
    parameters: ClassVar[tuple[str, ...]] = ("formats",)
    min: int | None = 1
    formats: tuple[str, ...] = ("jpg", "jpeg", "png", "webp")

    def measure(self, item: Node) -> Measures:
        ending = url_format(item.url)
        return {"image_url_format": float(ending in self.formats)} if ending else {}

    def limits(self) -> tuple[Limit, ...]:
        return below("image_url_format", self.name, self.min)
