"""What a guarded child is made to run by test_guard.py: each first byte is another way to go wrong."""

from __future__ import annotations

import os
import time


def act(item: bytes) -> bytes:
    match item[:1]:
        case b"s":
            import ctypes

            ctypes.string_at(0)
        case b"a":
            os.abort()
        case b"x":
            os._exit(7)
        case b"h":
            while True:
                pass
        case b"w":
            time.sleep(1000)
        case b"m":
            return bytes(len(bytearray(8 << 30)))
        case b"g":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 24))
        case b"o":
            return bytes(4 << 20)
        case b"p":
            print("x" * 3_000_000)
            os.write(2, b"y" * 3_000_000)
        case b"r":
            import re

            re.match(rb"(a+)+$", b"a" * 40 + b"b")  # holds the interpreter lock for hours
        case b"e":
            raise ValueError("not what I expected")
        case b"i":
            raise KeyboardInterrupt
        case b"E":
            return repr(sorted(os.environ.items())).encode()
        case b"f":
            files = [open(os.devnull) for _ in range(200)]
            return str(len(files)).encode()
        case b"c":  # connects to the port that follows
            import socket

            socket.create_connection(("127.0.0.1", int(item[1:])), timeout=2).close()
            return b"connected"
        case b"P":
            return str(os.getpid()).encode()
    return item[::-1]


def poisoned():
    """An earlier item does the damage, a later one dies of it."""
    state = {"poisoned": False}

    def run(item: bytes) -> bytes:
        if state["poisoned"]:
            os.abort()
        state["poisoned"] = item == b"poison"
        return item

    return run


def hoarding():
    """Each item keeps some memory: in the end one fails that is not to blame."""
    kept = []

    def run(item: bytes) -> bytes:
        kept.append(bytearray(64 << 20))
        return item

    return run


def joining(*pieces: bytes) -> bytes:
    if pieces[0] == b"k":
        os.abort()
    return b"|".join(pieces)


def make(setup: bytes):
    if setup == b"pieces":
        return joining
    if setup == b"hoard":
        return hoarding()
    if setup == b"poison":
        return poisoned()
    if setup == b"bad":
        raise RuntimeError("no such model")
    return lambda item: setup + item
