"""What was taken out of a run on request: known by hash only, so that the record itself says nothing about what it removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audit.run import Run
from schemas import layout
from schemas.ids import image_id


def taken(run: Run, what: str, spellings: Sequence[str]) -> dict[str, Any] | None:
    """The takedown that removed a page or an image, asked for by address, id or sha256; None if none did. {"kind": "taken", "asked",
    "as": "page" | "domain" | "image" | "content", "reason": as given with the request, "patch": path below the run, "previous": sha256 of
    the manifest that the takedown replaced}."""
    log = Path(run.path, layout.TAKEDOWN_LOG)
    if not log.exists():
        return None
    hashes = {_hash(u) for u in (what, *spellings)}
    keys = {
        "documents": ("page", {what}),
        "pages": ("page", hashes),
        "images": ("image", {what, *(image_id(u) for u in (what, *spellings))}),
        "contents": ("content", {_hash(what)}),
        "domains": ("domain", _domains(what)),
    }
    for entry in json.loads(log.read_text(encoding="utf-8")):  # in order: each patch holds all tombstones up to then
        stones = json.loads(Path(run.path, entry["patch"]).read_text(encoding="utf-8"))["tombstones"]
        for kind, (name, known) in keys.items():
            if not known.isdisjoint(stones.get(kind, ())):
                found = {"kind": "taken", "asked": what, "as": name, "reason": entry["reason"], "patch": entry["patch"]}
                return {**found, "previous": entry["manifest_sha256"]}
    return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _domains(url: str) -> set[str]:
    """Hashes of the host of an address and of all domains above it."""
    try:
        parts = (urlsplit(url if "://" in url else f"//{url}").hostname or "").rstrip(".").split(".")
    except ValueError:
        return set()
    return {_hash(".".join(parts[i:])) for i in range(len(parts)) if parts[i]}
