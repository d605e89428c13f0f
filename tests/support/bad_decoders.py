"""Decoders that go wrong where the picture says so; run in a guarded child by test_stream.py."""

from __future__ import annotations

import ctypes

from pipelines.images.decode import make as good


def make(setup: bytes):
    one = good(setup)

    def bad(item: bytes) -> bytes:
        match item[1:4]:
            case b"SEG":
                ctypes.string_at(0)
            case b"EAT":
                return bytes(len(bytearray(8 << 30)))
            case b"HNG":
                while True:
                    pass
            case b"LIE":
                return b"\xff" * 50
        return one(item)

    return bad
