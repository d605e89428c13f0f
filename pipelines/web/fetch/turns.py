"""A hot host's pace, shared by several workers that cannot talk to each other: each has turns of its own on the wall clock.

Time is cut into slots a little longer than the delay; slot k belongs to lane k mod n. A lane starts at most one request in its slot, and
only in the slot's beginning (WINDOW), so that two starts are never closer than the delay, whatever lanes they belong to, even where
clocks differ by the other half of the guard:

    slot = delay + guard      guard = a tenth of the delay, at least 0.1 s      start within [0, guard / 2)
"""

from __future__ import annotations

from dataclasses import dataclass

GUARD = 0.1  # of the delay, and at least so many seconds
AIM = 0.001  # seconds behind a slot's beginning that a wait ends: not a rounding error before it
WINDOW = 0.5  # of the guard: what a start may be late; the rest is for clocks that differ


@dataclass(frozen=True)
class Turns:
    """Lane `lane` of `lanes`."""

    lane: int
    lanes: int

    def wait(self, now: float, delay: float) -> float:
        """Seconds from `now` (wall clock) until this lane may start a request; 0.0 = it may at once. Without a delay there are no turns."""
        if delay <= 0 or self.lanes < 2:
            return 0.0
        guard = max(GUARD, GUARD * delay)
        slot = delay + guard
        into = (now - self.lane * slot) % (slot * self.lanes)
        return 0.0 if into < WINDOW * guard else slot * self.lanes - into + AIM
