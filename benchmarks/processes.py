"""The processes of a run: what each is, and the most memory each kind has had."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path

EVERY_S = 0.5


def below(driver: int) -> dict[int, str]:
    """The processes below `driver`, in whatever session: pid -> "guarded child", "worker", "nursery" or "other"."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    kinds: dict[int, str] = {}
    tree = [driver]
    for pid in tree:  # grows as it is read
        for child in (p for p, parent in parents.items() if parent == pid):
            tree.append(child)
            with suppress(OSError):
                said = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                forked = "pipelines.nursery" in said  # workers are forked from the nursery, which the driver starts
                worker = "pipelines.worker" in said or (forked and pid != driver)
                kinds[child] = "guarded child" if "guard_child" in said else "worker" if worker else "nursery" if forked else "other"
    return kinds


def peak_mb(pid: int) -> float:
    """The most resident memory that a process has had; 0 if it is gone."""
    with suppress(OSError, StopIteration), open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024
    return 0.0


def watched(process: subprocess.Popen[str]) -> tuple[str, dict[str, float]]:
    """What a driver printed (little, at its end), and the peak in MB of the largest process of each kind, looked at until it ended."""
    peaks: dict[str, float] = {}
    while True:
        for pid, kind in {**below(process.pid), process.pid: "driver"}.items():
            peaks[kind] = max(peaks.get(kind, 0.0), peak_mb(pid))
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=EVERY_S)[0], {k: round(mb, 1) for k, mb in sorted(peaks.items()) if mb}
