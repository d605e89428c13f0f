"""/.well-known/tdmrep.json of one host, asked for once: the parts of it whose rights are reserved (TDM Reservation Protocol, W3C
community group report, 2024, "TDM File on the Origin Server")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pipelines.web.fetch.answer import Answer, Bounds

PATH = "/.well-known/tdmrep.json"
MAX_BYTES = 500 << 10
MAX_RULES = 1000
TOKEN = "tdm-reservation"


@dataclass(frozen=True)
class TdmFile:
    """Rules of one origin, in its order."""

    rules: tuple[tuple[str, bool], ...] = ()  # (path pattern, reserved)
    sha256: str = ""  # of the file: evidence

    def refusal(self, url: str) -> str:
        """ "" if the URL is not reserved, else a status in words. The first rule that matches decides."""
        if not self.rules:
            return ""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        for location, reserved in self.rules:
            if _matches(location, path):
                return "opt-out: tdmrep.json" if reserved else ""
        return ""


def parse_tdm_file(body: bytes) -> TdmFile:
    """The rules of a file; entries that are not rules are passed over, and what is not JSON holds none."""
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError):
        return TdmFile()
    rules = []
    for entry in entries[:MAX_RULES] if isinstance(entries, list) else ():
        where = entry.get("location") if isinstance(entry, dict) else None
        if isinstance(where, str) and len(where) <= 2000:
            rules.append((where, str(entry.get(TOKEN)).strip() == "1"))
    return TdmFile(tuple(rules), hashlib.sha256(body).hexdigest())


async def tdm_file_of(url: str, get: Callable[[str, Bounds], Awaitable[Answer]], bounds: Bounds) -> TdmFile:
    """Ask `get` for the file that governs `url`. No answer, no rules: unlike robots.txt, its absence says nothing."""
    parts = urlsplit(url)
    answer = await get(f"{parts.scheme}://{parts.netloc}{PATH}", replace(bounds, max_bytes=MAX_BYTES))
    return parse_tdm_file(answer.body) if answer.status == "success" else TdmFile()


def _matches(location: str, path: str) -> bool:
    """A path pattern as in robots.txt: a prefix, `*` for anything, `$` at the end for the end. Linear: the leftmost place of each
    literal is as good as any."""
    anchored = location.endswith("$")
    first, *rest = location.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not rest:
        return not anchored or at == len(path)
    last = rest.pop() if anchored else ""
    for literal in rest:
        found = path.find(literal, at)
        if found < 0:
            return False
        at = found + len(literal)
    return not anchored or (path.endswith(last) and len(path) - len(last) >= at)
