"""The body of an answer, within its bounds: size, least rate, inflation."""

from __future__ import annotations

import time
from tempfile import TemporaryFile
from typing import IO

import aiohttp

from pipelines.web.fetch.answer import Answer, Bounds
from pipelines.web.http import HttpError, decompress

IN_MEMORY = 1 << 20  # bytes of a body held in memory while it arrives; longer ones lie in a temporary file until they are whole


async def read(r: aiohttp.ClientResponse, b: Bounds) -> tuple[bytes, str]:
    """The body and "", or b"" and what was wrong. What is long waits on disk: thousands of bodies may be arriving at once."""
    began, size = time.monotonic(), 0
    parts: list[bytes] = []
    disk: IO[bytes] | None = None
    try:
        async for chunk in r.content.iter_any():
            size += len(chunk)
            if size > b.max_bytes:
                if not b.keep_cut:
                    return b"", "too large"
                chunk = chunk[: b.max_bytes - size]
            if disk is None and size > IN_MEMORY:
                disk = TemporaryFile()
                disk.writelines(parts)
                parts = []
            (parts.append if disk is None else disk.write)(chunk)
            if size > b.max_bytes:
                break
            passed = time.monotonic() - began
            if passed > b.rate_grace_s and size / passed < b.min_bytes_per_s:
                return b"", "too slow"
        if disk is None:
            return parts[0] if len(parts) == 1 else b"".join(parts), ""
        disk.seek(0)
        return disk.read(), ""
    finally:
        if disk is not None:
            disk.close()


def inflated(body: bytes, coding: str, seen: Answer, b: Bounds) -> Answer:
    """A body compressed although we asked for none: inflated within the same bound and a ratio, or refused."""
    try:
        out, partial = decompress(body, coding, b.max_bytes)
    except HttpError as e:
        status = {"too_large": "too large", "expansion": "too large"}.get(e.kind, "bad encoding")
        return seen._replace(status=status, detail=f"after decompression: {e}"[:200])
    if partial:
        return seen._replace(status="truncated body", detail=f"{coding[:20]} ends early")
    return seen._replace(status="success" if out else "empty", body=out)
