"""Memory that a part of the work has freed does not stay with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines import memory

ASK = """
import ctypes, sys
from pipelines.memory import give_back
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) // 1024
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
held = [libc.malloc(60_000) for _ in range(4_000)]  # below the size that is mapped by itself
for at in held:
    ctypes.memset(at, 1, 60_000)
for at in held[:-1]:  # the last one keeps the heap from shrinking
    libc.free(at)
before = resident()
give_back()
print(before, resident())
"""


@pytest.mark.skipif(memory._trim() is None or not sys.platform.startswith("linux"), reason="no malloc_trim")
def test_free_memory_between_pieces_in_use_goes_back():
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before - after > 150, (before, after)  # of 240 MB


def test_without_such_a_call_nothing_happens(monkeypatch):
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()
