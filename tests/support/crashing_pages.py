"""The real page reader, except that a page may ask it to die."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipelines.web import capture


def make(settings: bytes) -> Callable[[bytes, bytes, bytes], bytes]:
    read = capture.make(settings)

    def run(item: bytes, head: bytes, body: bytes) -> bytes:
        if b"please abort" in body:
            os.abort()
        if b"please hang" in body:
            while True:
                pass
        if b"please raise" in body:
            raise ValueError("asked to")
        return read(item, head, body)

    return run
