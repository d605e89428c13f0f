"""Lists of hashes of pictures that must not be kept (known abuse material, takedowns): loading and matching.

A file holds one hash per line in hexadecimal, further words are ignored, `#` starts a comment; its ending says which: `.sha256`, `.md5`
or `.pdq`. The lists come from the operator; none is shipped. What to do on a match: docs/images.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from pipelines import storage

DIGITS = {"sha256": 64, "md5": 32, "pdq": 64}
QUALITY = 50  # a PDQ hash of lower quality says nothing


class HashListError(ValueError):
    """A list cannot be used; names the file and line."""


@dataclass(frozen=True)
class HashList:
    sha256: frozenset[str] = frozenset()
    md5: frozenset[str] = frozenset()
    pdq: tuple[int, ...] = field(default=())
    distance: int = 31

    def __bool__(self) -> bool:
        return bool(self.sha256 or self.md5 or self.pdq)

    def of_bytes(self, data: bytes) -> bool:
        """Whether these exact bytes are listed; asked before they are decoded."""
        if self.sha256 and hashlib.sha256(data).hexdigest() in self.sha256:
            return True
        return bool(self.md5) and hashlib.md5(data, usedforsecurity=False).hexdigest() in self.md5

    def of_pdq(self, pdq: str, quality: float) -> bool:
        """Whether a picture that looks the same is listed."""
        if not self.pdq or quality < QUALITY:
            return False
        own = int(pdq, 16)
        return any((own ^ other).bit_count() <= self.distance for other in self.pdq)


@lru_cache(maxsize=4)
def load(paths: tuple[str, ...], distance: int = 31) -> HashList:
    """Read lists. HashListError names what is wrong and where."""
    found: dict[str, set[str]] = {kind: set() for kind in DIGITS}
    for path in paths:
        kind = path.rsplit(".", 1)[-1].lower()
        if kind not in DIGITS:
            raise HashListError(f"{path}: a hash list ends in .sha256, .md5 or .pdq")
        found[kind].update(_hashes(path, DIGITS[kind]))
    return HashList(frozenset(found["sha256"]), frozenset(found["md5"]), tuple(sorted(int(x, 16) for x in found["pdq"])), distance)


def _hashes(path: str, digits: int) -> Iterable[str]:
    pattern = re.compile(rf"[0-9a-f]{{{digits}}}")
    try:
        lines = storage.read_bytes(path).decode("utf-8").splitlines()
    except FileNotFoundError as e:
        raise HashListError(f"{path}: no such file") from e
    except UnicodeDecodeError as e:
        raise HashListError(f"{path}: not UTF-8 text ({e.reason} at byte {e.start})") from e
    for number, line in enumerate(lines, 1):
        word = line.split("#", 1)[0].strip().lower().split(" ")[0]
        if word:
            if not pattern.fullmatch(word):
                raise HashListError(f"{path}:{number}: expected {digits} hexadecimal digits, found {word[:40]!r}")
            yield word
