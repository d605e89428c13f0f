"""What was taken down and must not come back: tombstones of earlier runs and takedown lists, asked by stages extract and select.

A tombstone file (`RUN/takedown/tombstones.json`, or a patch, which holds one) knows pages, domains, images and contents by hash only; a list
(the text file given to `weft takedown`) names them. PDQ hashes are in lists only: a tombstone must not describe a picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pipelines import storage
from pipelines.settings.config import ConfigError
from pipelines.shards.takedown_list import ListError, Targets, parse

KINDS = ("documents", "pages", "domains", "images", "contents")


class TombstoneError(ConfigError):
    """A file in run.takedowns cannot be used; names it and says why."""


def hashed(text: str) -> str:
    """As tombstones keep an address, a domain, or the hexadecimal sha256 of a picture."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Tombstones:
    documents: frozenset[str] = frozenset()  # document ids
    pages: frozenset[str] = frozenset()  # sha256 of canonical URLs: later captures of a page are known by them
    domains: frozenset[str] = frozenset()  # sha256 of domains; subdomains are meant too
    images: frozenset[str] = frozenset()  # image ids
    contents: frozenset[str] = frozenset()  # sha256 of the hexadecimal sha256 of a picture's bytes
    lists: tuple[Targets, ...] = field(default=())

    def __bool__(self) -> bool:
        return self != Tombstones()

    def page(self, doc_id: str, url: str, canonical_url: str, domain: str) -> bool:
        """Whether a page, in this or another capture, was taken down."""
        if doc_id in self.documents or (self.pages and hashed(canonical_url) in self.pages) or self._domain(url, domain):
            return True
        return any(t.url(url, canonical_url) or bool(t.domains and t.host(domain)) for t in self.lists)

    def image(self, image_id: str, url: str) -> bool:
        """Whether an image is known by its address."""
        return image_id in self.images or self._domain(url, "") or any(t.url(url) for t in self.lists)

    def contents_of(self, sha256: Sequence[str | None], pdq: Sequence[str | None]) -> list[bool]:
        """For each picture whether its bytes, or a picture that looks the same, were taken down."""
        near = [t.near([p or "" for p in pdq]) for t in self.lists if t.pdq]
        listed = frozenset[str]().union(*(t.sha256 for t in self.lists))
        return [
            bool(s) and (s in listed or bool(self.contents and hashed(s or "") in self.contents)) or any(n[i] for n in near)
            for i, s in enumerate(sha256)
        ]

    def _domain(self, url: str, domain: str) -> bool:
        if not self.domains:
            return False
        from urllib.parse import urlsplit

        try:
            host = urlsplit(url).hostname or domain
        except ValueError:
            host = domain
        parts = host.lower().rstrip(".").split(".")
        return any(hashed(".".join(parts[i:])) in self.domains for i in range(len(parts)))


@lru_cache(maxsize=4)
def load(paths: tuple[str, ...]) -> Tombstones:
    """All of `run.takedowns` together. TombstoneError names the file that cannot be read, or is neither kind."""
    found: dict[str, set[str]] = {k: set() for k in KINDS}
    lists = []
    for path in paths:
        try:
            text = storage.read_bytes(path).decode("utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise TombstoneError(f"run.takedowns: {path}: {getattr(e, 'strerror', None) or e}") from e
        if text.lstrip().startswith("{"):
            for kind, values in _stones(text, path).items():
                found[kind] |= values
        else:
            try:
                lists.append(parse(text, path))
            except ListError as e:
                raise TombstoneError(f"run.takedowns: {e}") from e
    return Tombstones(**{k: frozenset(v) for k, v in found.items()}, lists=tuple(lists))


def _stones(text: str, path: str) -> dict[str, set[str]]:
    try:
        raw: Any = json.loads(text)
        raw = raw.get("tombstones", raw)
        if not {"documents", "images", "contents"} <= set(raw) <= set(KINDS):
            raise ValueError(f"holds {sorted(raw)}")
        out = {k: set(v) for k, v in raw.items()}
        if not all(isinstance(x, str) for values in out.values() for x in values):
            raise ValueError("holds something that is no hash")
    except (ValueError, TypeError, AttributeError) as e:
        raise TombstoneError(f"run.takedowns: {path}: not tombstones of `weft takedown` ({e})") from e
    return out
