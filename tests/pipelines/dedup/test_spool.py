"""Rows that go through files arrive as they were sent, and the engine carries nothing but pointers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dedup.spool import Spooled


class Doubled:
    """Sends a large row to each of two buckets, settles by joining, and remembers what came."""

    def __init__(self) -> None:
        self.came: dict[str, list[bytes]] = {}

    def send(self, source: str) -> list[tuple[str, bytes]]:
        return [(b, f"{source}{b}".encode() * 10_000) for b in ("x", "y")]

    def settle(self, name: str, parts: list[bytes]) -> list[tuple[str, bytes]]:
        return [("unit", b"".join(sorted(parts))), ("unit", b""), ("other", name.encode())]

    def receive(self, unit: str, parts: list[bytes]) -> None:
        self.came[unit] = parts


def sent(spooled: Spooled) -> dict[str, list[bytes]]:
    by: dict[str, list[bytes]] = {}
    for source in ("a", "b"):
        for to, pointer in spooled.send(source):
            by.setdefault(to, []).append(pointer)
    return by


def test_rows_arrive_as_they_were_sent(tmp_path: Path):
    step = Doubled()
    spooled = Spooled(step, str(tmp_path))
    by = sent(spooled)
    assert all(len(p) < 100 for pointers in by.values() for p in pointers)
    settled = [row for name, pointers in by.items() for row in spooled.settle(name, pointers)]
    spooled.receive("unit", [p for to, p in settled if to == "unit"])
    spooled.receive("other", [p for to, p in settled if to == "other"])
    assert step.came == {"unit": [b"ax" * 10_000 + b"bx" * 10_000, b"", b"ay" * 10_000 + b"by" * 10_000, b""], "other": [b"x", b"y"]}


def test_a_bundle_that_is_sent_again_does_not_change_what_was_pointed_at(tmp_path: Path):
    spooled = Spooled(Doubled(), str(tmp_path))
    first = sent(spooled)
    assert sent(spooled) == first
    assert [*spooled.settle("x", first["x"])] == [*spooled.settle("x", first["x"])]


def test_a_file_that_is_too_short_is_named(tmp_path: Path):
    spooled = Spooled(Doubled(), str(tmp_path))
    pointers = sent(spooled)["y"]
    (tmp_path / "send-a").write_bytes(b"short")
    with pytest.raises(OSError, match="send-a ends before byte"):
        spooled.settle("y", pointers)
