"""Lists of domains: one a line, `#` starts a comment; a listed domain covers its subdomains."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit


class DomainListError(ValueError):
    """A domain list cannot be read."""


def _clean(line: str) -> str:
    entry = line.split("#", 1)[0].strip().lower()
    if not entry:
        return ""
    entry = entry.split()[-1]  # hosts-file style: "0.0.0.0 example.com"
    if "//" in entry:
        entry = entry.split("//", 1)[1]
    entry = entry.split("/", 1)[0].removeprefix("*.").strip(".")
    return to_ascii(entry)


def to_ascii(host: str) -> str:
    """The ASCII form of a host name; the name itself where there is none."""
    if host.isascii():
        return host
    try:
        import idna

        return idna.encode(host, uts46=True).decode()
    except ValueError:  # idna.IDNAError is one
        return host


@lru_cache(maxsize=8)
def load(files: tuple[str, ...]) -> frozenset[str]:
    """The domains of several list files. DomainListError names a file that cannot be read."""
    out: set[str] = set()
    for name in files:
        try:
            with open(name, encoding="utf-8") as f:
                out.update(filter(None, map(_clean, f)))
        except (OSError, UnicodeDecodeError) as e:
            raise DomainListError(f"domain list {name!r} cannot be read ({e}); give a text file with one domain a line") from e
    return frozenset(out)


def covered(url: str, domains: frozenset[str]) -> bool:
    """Whether the host of a URL or one of its parents is listed. A URL without a host is not."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    host = to_ascii(host.rstrip("."))
    while host:
        if host in domains:
            return True
        _, _, host = host.partition(".")
    return False
