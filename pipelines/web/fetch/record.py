"""The recorded row of one URL, the same whether it was fetched, read from an archive or taken over."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from pipelines.web.fetch.engine import Result

MAX_VALUE = 500  # characters of a signal that are stored


def row_of(r: Result, fetched_at: str = "") -> dict[str, Any]:
    """A JSON-able row. `fetched_at`: when the bytes were captured; "" = now."""
    a = r.answer
    acted = a.status != "success"
    return {
        "image_id": r.image_id, "url": r.url, "host": r.host, "status": a.status, "http_status": a.http_status,
        "final_url": _clean(a.final_url), "redirects": a.redirects, "address_class": a.address_class,
        "content_type": _clean(a.content_type), "sha256": hashlib.sha256(a.body).hexdigest() if a.body else "",
        "attempts": r.attempts, "seconds": round(r.seconds, 6),
        "fetched_at": fetched_at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "detail": _clean(a.detail),
        "optouts": [
            {"signal": s.signal, "value": _clean(s.value[:MAX_VALUE]), "token": s.token, "acted": acted, "evidence": evidence}
            for s, evidence in r.signals
        ],
    }  # fmt: skip


def _clean(text: str) -> str:
    """Header bytes that are no UTF-8 arrive as lone surrogates, which no table takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
