"""The Python side of failing_io.c: builds it, and sets which call fails."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

OPERATIONS = ("write", "fsync", "rename", "close", "read", "link")
ERRORS = {"write": errno.ENOSPC, "fsync": errno.EIO, "rename": errno.EIO, "close": errno.EIO, "read": errno.EIO, "link": errno.EIO}
_HEAD = struct.Struct("12q")
SIZE = _HEAD.size + 1024


def build(folder: Path) -> Path | None:
    """The shared library; None where there is no C compiler."""
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if compiler is None or not os.path.isdir("/proc/self/fd"):
        return None
    out = folder / "failing_io.so"
    source = Path(__file__).with_name("failing_io.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(out), str(source), "-ldl"], check=True)
    return out


class Control:
    """The shared block. `arm` chooses the call that fails; `counts` says how many calls there were."""

    def __init__(self, path: Path):
        self.path = path
        if not path.exists() or path.stat().st_size != SIZE:  # never cut short under a process that has it mapped
            path.write_bytes(b"\0" * SIZE)
        with open(path, "r+b") as f:
            self.block = mmap.mmap(f.fileno(), SIZE)

    def arm(self, folder: str, operation: str = "", number: int = 0) -> None:
        """Count calls below `folder`; fail call `number` (from 1) of `operation`, if one is named."""
        op = OPERATIONS.index(operation) if operation else -1
        self.block[:] = _HEAD.pack(op, number, ERRORS.get(operation, 0), 0, *[0] * 8) + os.fsencode(folder).ljust(1024, b"\0")

    def disarm(self) -> None:
        self.block[:] = b"\0" * SIZE

    @property
    def fired(self) -> bool:
        return bool(_HEAD.unpack(self.block[: _HEAD.size])[3])

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(OPERATIONS, _HEAD.unpack(self.block[: _HEAD.size])[4:], strict=False))
