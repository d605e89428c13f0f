"""Identities made from content, so that any run on any machine gives the same ones."""

from __future__ import annotations

import hashlib


def digest128(*parts: str) -> str:
    """32 hex digits of BLAKE2b-128 over `parts`; a separator that no URL holds keeps ("ab","c") from ("a","bc")."""
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def doc_id(canonical_url: str, crawl: str, fetched_at: str) -> str:
    """The id of one capture of one page: canonical URL and snapshot (crawl name and capture time)."""
    return digest128("doc", canonical_url, crawl, fetched_at)


def image_id(url: str) -> str:
    """The id of an image URL (not of its bytes: those are named by sha256)."""
    return digest128("image", url)


def bucket_of(key: str, buckets: int) -> int:
    """A stable partition number in [0, buckets) for a string key."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") % buckets


def fraction_of(key: str, salt: str = "") -> float:
    """A stable number in [0, 1) for a key: `fraction_of(id, "sample") < rate` chooses a fixed share by hash."""
    return int.from_bytes(hashlib.blake2b(f"{salt}\x1f{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") / 2**64
