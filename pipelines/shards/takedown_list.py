"""The list given to `weft takedown`, and what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

PDQ_DISTANCE = 31  # bits of 256 by which copies of a picture may differ (PDQ's authors)
_HEX = re.compile(r"[0-9a-f]{64}")
_DOMAIN = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z0-9-]{2,}")


class ListError(ValueError):
    """A line of the list cannot be understood."""


@dataclass(frozen=True)
class Targets:
    urls: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    sha256: frozenset[str] = frozenset()
    pdq: frozenset[str] = frozenset()

    def url(self, *urls: str | None) -> bool:
        """Whether one of these addresses is listed, itself or by its domain (subdomains included)."""
        return any(u and (u in self.urls or (self.domains and self.host(urlsplit(u).hostname or ""))) for u in urls)

    def host(self, host: str) -> bool:
        parts = host.lower().rstrip(".").split(".")
        return any(".".join(parts[i:]) in self.domains for i in range(len(parts)))

    def near(self, pdqs: list[str]) -> list[bool]:
        """For each PDQ hash (hexadecimal; "" = none) whether it lies within PDQ_DISTANCE of a listed one."""
        if not self.pdq or not pdqs:
            return [False] * len(pdqs)
        known = np.frombuffer(bytes.fromhex("".join(p if p and len(p) == 64 else "0" * 64 for p in pdqs)), np.uint64).reshape(-1, 4)
        hit = np.zeros(len(pdqs), bool)
        for p in self.pdq:
            target = np.frombuffer(bytes.fromhex(p), np.uint64)
            bits = np.unpackbits((known ^ target).view(np.uint8).reshape(-1, 32), axis=1).sum(axis=1)
            hit |= bits <= PDQ_DISTANCE
        return [bool(h) and bool(p) for h, p in zip(hit, pdqs, strict=True)]


def parse(text: str, where: str = "list") -> Targets:
    """One target a line: a URL, a domain, `sha256:<hex>`, `pdq:<hex>`; `#` starts a comment. ListError names every bad line."""
    found: dict[str, set[str]] = {"urls": set(), "domains": set(), "sha256": set(), "pdq": set()}
    wrong = []
    for number, line in enumerate(text.splitlines(), 1):
        item = line.split(" #")[0].strip()
        if not item or item.startswith("#"):
            continue
        kind, _, rest = item.partition(":")
        if kind in ("sha256", "pdq") and _HEX.fullmatch(rest.strip().lower()):
            found[kind].add(rest.strip().lower())
        elif kind == "domain" and _DOMAIN.fullmatch(rest.strip().lower()):
            found["domains"].add(rest.strip().lower())
        elif item.lower().startswith(("http://", "https://")):
            found["urls"].add(item)
        elif _DOMAIN.fullmatch(item.lower()):
            found["domains"].add(item.lower())
        else:
            hint = " (write sha256:... or pdq:...)" if _HEX.fullmatch(item.lower()) else ""
            wrong.append(f"{where}:{number}: {item!r} is no URL, domain, sha256:<hex> or pdq:<hex>{hint}")
    if wrong:
        raise ListError("\n".join(wrong))
    out = Targets(**{k: frozenset(v) for k, v in found.items()})
    if out == Targets():
        raise ListError(f"{where}: nothing is listed")
    return out
