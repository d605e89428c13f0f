"""Hosts with very many URLs, split into lanes: which they are, which bucket carries which lane, and what all lanes of a host must know.

A lane has a part of the host's connections and turns of its own (turns.py). The host's own files (robots.txt, tdmrep.json) are asked for
once, before the lanes start, so that all know its Crawl-delay. A 429 or 503 that one lane hears is a note in the stage folder, which
the others read before they ask.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines import storage
from pipelines.web.fetch.answer import Answer, words
from pipelines.web.fetch.turns import Turns
from schemas.ids import bucket_of, digest128

TABLE = "lanes.json"
FILES = "lanes_files.json"
REST = "rest"
FRESH_S = 24 * 3600.0  # RFC 9309, 2.4: a robots.txt is not used for longer


@dataclass(frozen=True)
class Lanes:
    """Host -> lanes, and the number of buckets. A host that is not here has one lane, in the bucket of its hash."""

    buckets: int
    hosts: Mapping[str, int] = field(default_factory=dict)

    def bucket(self, host: str, url: str) -> int:
        """The bucket that fetches a URL of a host."""
        home, lanes = bucket_of(host, self.buckets), self.hosts.get(host, 1)
        return home if lanes == 1 else (home + bucket_of(url, lanes)) % self.buckets

    def homes(self, bucket: int) -> dict[str, int]:
        """Hot hosts with a lane in this bucket -> their home bucket, under which their URLs are listed."""
        return {h: bucket_of(h, self.buckets) for h in self.hosts if self.turns(h, bucket) is not None}

    def turns(self, host: str, bucket: int) -> Turns | None:
        """The lane of a hot host that this bucket carries, if it carries one."""
        lanes = self.hosts.get(host, 1)
        lane = (bucket - bucket_of(host, self.buckets)) % self.buckets
        return Turns(lane, lanes) if lanes > 1 and lane < lanes else None


def lanes_of(counts: Mapping[str, int], buckets: int, connections: int, hot: int) -> Lanes:
    """Hosts with more than `hot` URLs get a lane for each connection that they may have, no two in one bucket."""
    lanes = min(connections, buckets)
    return Lanes(buckets, {h: lanes for h, n in sorted(counts.items()) if n > hot} if lanes > 1 else {})


class Files:
    """Answers of the hot hosts' own files: url -> (answer, when, in seconds of the wall clock)."""

    def __init__(self, known: Mapping[str, tuple[Answer, float]] | None = None):
        self._known = dict(known or {})

    def heard(self, url: str, answer: Answer) -> None:
        self._known[url] = (answer, time.time())

    def get(self, url: str) -> tuple[Answer, float] | None:
        found = self._known.get(url)
        return found if found and time.time() - found[1] < FRESH_S else None

    def dumps(self) -> bytes:
        rows = {u: {"status": a.status, "http_status": a.http_status, "at": at, "body": base64.b64encode(a.body).decode()}
                for u, (a, at) in sorted(self._known.items())}  # fmt: skip
        return json.dumps(rows, indent=0).encode()

    @staticmethod
    def loads(data: bytes) -> Files:
        def answer(url: str, r: dict[str, Any]) -> Answer:
            return words(r["status"], url)._replace(http_status=r["http_status"], body=base64.b64decode(r["body"]))

        return Files({u: (answer(u, r), r["at"]) for u, r in json.loads(data).items()})


@dataclass(frozen=True)
class Board:
    """Notes that the lanes of a host leave each other: until when it asks for a rest. Small files in the stage folder."""

    root: str

    def rest(self, host: str, until: float) -> None:
        """`until`: seconds of the wall clock."""
        storage.write_bytes(self._note(host), f"{until}\n".encode())

    def until(self, host: str) -> float:
        """0.0 if nobody has asked for a rest."""
        note = self._note(host)
        return float(storage.read_bytes(note)) if storage.exists(note) else 0.0

    def _note(self, host: str) -> str:
        return storage.join(self.root, REST, digest128(host))


@dataclass(frozen=True)
class Place:
    """What one part knows of the others. `moved`: one of the parts that fetch what leads out of its bucket, when all buckets are done."""

    lanes: Lanes
    part: int
    files: Files
    board: Board | None = None
    moved: int = 0  # how many such parts there are
    workers: int = 1  # that may be fetching at once

    def turns(self, host: str) -> Turns | None:
        return None if self.moved else self.lanes.turns(host, self.part)

    def elsewhere(self, host: str) -> bool:
        """Whether another worker may be asking this host now."""
        if self.moved or self.turns(host) is not None:
            return False
        return host in self.lanes.hosts or bucket_of(host, self.lanes.buckets) != self.part

    def share(self, host: str) -> int:
        """Among how many workers the pace of a host is shared: of what leads on from one part of moved URLs to another's host."""
        return 1 if not self.moved or bucket_of(host, self.moved) == self.part else min(self.workers, self.moved)
