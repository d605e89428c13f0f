"""[extract]: from records to documents."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.settings.base import Settings


class ExtractSettings(Settings):
    max_body_bytes: int = Field(10 << 20, ge=1 << 10, description="Longest decoded page; a longer one is a dead letter.")
    max_nodes: int = Field(200_000, ge=1, description="Elements and texts of one page that are looked at; the rest is left out.")
    max_depth: int = Field(512, ge=1, description="Nesting of a page's elements that is followed.")
    page_seconds: float = Field(10.0, gt=0, description="CPU time for one page; beyond it the page is a dead letter.")
    memory_bytes: int = Field(2 << 30, ge=256 << 20, description="Address space of the process that parses pages.")
    batch: int = Field(32, ge=1, description="Pages sent to that process at a time.")
    statuses: tuple[int, ...] = Field((200,), description="HTTP statuses whose pages are taken. 0 stands for a body without a status line.")
    require_image: bool = Field(True, description="Drop documents without an image (OBELICS keeps only pages that have one).")
    opt_out: Literal["respect", "record"] = Field(
        "respect", description="`respect`: drop what a page's own signals reserve, keep the evidence. `record`: only keep the evidence."
    )
    mask_pii: bool = Field(True, description="Replace e-mail and IP addresses, telephone, IBAN and card numbers in all stored text.")
    reject_share: float = Field(0.01, ge=0, le=1, description="Share of dropped documents, chosen by hash, stored with text.")
    use_archived_images: bool = Field(
        True, description="Note the images that lie in the same archives, so that they are read from there instead of being fetched."
    )
