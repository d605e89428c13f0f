"""How many cores there are to use, and how much of them was used."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores that this process may use (a container or taskset may leave it fewer than the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tree_cpu() -> float | None:
    """CPU seconds (user and system) of this process, its descendants alive, and those they have waited for: a stage's cost with its workers
    and guarded children. None where there is no /proc."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    parents: dict[int, int] = {}
    spent: dict[int, int] = {}
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:  # it has ended meanwhile
                continue
            parents[int(name)], spent[int(name)] = int(fields[1]), sum(map(int, fields[11:15]))
    me = os.getpid()
    if me not in spent:
        return None
    total = 0
    for pid, ticks in spent.items():
        at = pid
        while at not in (me, 0, 1):
            at = parents.get(at, 0)
        total += ticks if at == me else 0
    return total / os.sysconf("SC_CLK_TCK")


class Starts:
    """CPU seconds that guarded children took from their first instruction until they were ready for work, added up over this process."""

    seconds = 0.0

    @classmethod
    def count(cls, pid: int) -> None:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            return
        cls.seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
