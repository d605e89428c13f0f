"""Parts taken by the workers of one machine as they get to them.

Beam deals elements out to local workers before the work begins, and parts differ: one worker would stand still while the other works
off what it was dealt. Here every worker gets one element, and takes the next part that nobody has taken, until none is left. A part is
taken by making a file of its number. A worker that dies ends the run (`pipelines.worker`), so what it had taken is done again by the next run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam


@dataclass
class Claimed(beam.PTransform):
    """The parts, the first of them first; each is handed on once, by the worker that took it."""

    parts: list[str]
    workers: int
    folder: str  # on this machine, empty, and gone when the pipeline has ended

    def expand(self, pbegin: Any) -> Any:
        lanes = pbegin | "Create" >> beam.Create(range(self.workers), reshuffle=False) | "Spread" >> beam.Reshuffle()
        return lanes | "Take" >> beam.ParDo(_Take(self.parts, self.folder))


class _Take(beam.DoFn):
    def __init__(self, parts: list[str], folder: str):
        self.parts, self.folder = parts, folder

    def process(self, element: int) -> Iterator[str]:
        for number, part in enumerate(self.parts):
            try:
                os.close(os.open(os.path.join(self.folder, str(number)), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            yield part  # the work is done before the next one is taken: the steps behind are fused to this one
