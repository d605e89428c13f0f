from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, above
from filters.text.domains import covered, load, to_ascii


@cache
def _direct(domains: tuple[str, ...]) -> frozenset[str]:
    return frozenset(to_ascii(d.lower().removeprefix("*.").strip(".")) for d in domains)


@dataclass(frozen=True)
class BlockedDomains(Rule):
    """1 if the page's host or one of its parent domains is on a list, else 0. `files` names text files with one domain a line, `domains`
    lists some directly; without either nothing is measured.
    """

    name: ClassVar[str] = "url.blocked_domains"
    unit: ClassVar[Unit] = Unit.URL
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023) appendix G.1; FineWeb section 3.1"
    measures: ClassVar[tuple[str, ...]] = ("url_blocked_domain",)
    parameters: ClassVar[tuple[str, ...]] = ("files", "domains")
    max: int | None = 0
    files: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def measure(self, item: str) -> Measures:
        if not self.files and not self.domains:
            return {}
        hit = covered(item, load(self.files)) or covered(item, _direct(self.domains))
        return {"url_blocked_domain": float(hit)}

    def limits(self) -> tuple[Limit, ...]:
        return above("url_blocked_domain", self.name, self.max)
