"""The real page reader, except that a page may ask it to die."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipelines.web import capture


def make(settings: bytes) -> Callable[[bytes], bytes]:
    read = capture.make(settings)

    def run(item: bytes) -> bytes:
        if b"please abort" in item:
            os.abort()
        if b"please hang" in item:
            while True:
                pass
        if b"please raise" in item:
            raise ValueError("asked to")
        return read(item)

    return run
