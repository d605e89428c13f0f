"""How far a run is, from the small files that stages write as they go: works on every engine, and for another process too."""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType

from pipelines.run import stage as stage_of
from pipelines.so_far import SoFar
from pipelines.stage import Outcome, StageContext
from pipelines.web.prepare import is_prepared
from weft.console import count, on_terminal, say, seconds

PLAIN_EVERY_S = 30.0
LOOK_EVERY_S = 2.0  # between looks for the bar: a listing of the parts' folders


class Progress:
    """Bars on a terminal; otherwise a line when a stage starts and ends, and every 30 s. Use as `Events` of a run."""

    def __init__(self, quiet: bool = False, log_json: bool = False):
        self.quiet, self.log_json = quiet, log_json
        self._stop = threading.Event()
        self._pace: Pace | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._bar = None

    def __enter__(self) -> Progress:
        if not self.quiet and not self.log_json and on_terminal():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            self._bar = Bars(SpinnerColumn(), TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TextColumn("parts"),
                             TimeElapsedColumn(), TextColumn("eta"), TimeRemainingColumn(), TextColumn("{task.fields[so_far]}"), console=Console(stderr=True), transient=True)  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("", total=None, so_far="")
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        if self._bar:
            self._bar.stop()

    def starting(self, name: str, ctx: StageContext) -> None:
        pace = Pace(name, ctx)
        if self._bar:
            self._bar.reset(self._task, description=name, total=pace.parts, so_far="")
        if self.log_json:
            log("starting", stage=name, folder=ctx.root, parts=pace.parts)
        elif name == "extract" and not self.quiet and ctx.config.runner.name in ("local", "prism") and not is_prepared():
            (self._bar.console.print if self._bar else say)(
                "extract: compiling its loops for this machine first, about half a minute, once"
            )
        self._pace = pace

    def finished(self, name: str, outcome: Outcome) -> None:
        self._pace = None
        if self.log_json:
            counts = {k: vars(c) for k, c in outcome.done.manifest.counts.items()}
            log("finished", stage=name, skipped=outcome.skipped, seconds=round(outcome.seconds, 3), counts=counts)
        elif not self.quiet:
            say(summary(name, outcome))

    def _watch(self) -> None:
        said = time.monotonic()
        while not self._stop.wait(0.5):
            if (pace := self._pace) is None:
                continue
            if self._bar:
                pace.look(LOOK_EVERY_S)
                self._bar.update(self._task, completed=pace.done, so_far=pace.so_far)
            elif (self.log_json or not self.quiet) and time.monotonic() - said >= PLAIN_EVERY_S:
                said = time.monotonic()
                pace.look()
                if self.log_json:
                    log("progress", stage=pace.stage, done=pace.done, parts=pace.parts, seconds=round(pace.seconds, 3), eta_seconds=pace.eta, so_far=pace.so_far)  # fmt: skip
                else:
                    say(pace.line())


class Pace:
    """How fast one stage goes: parts done since it was started here (those that a resumed stage found do not count), time left, yield."""

    def __init__(self, name: str, ctx: StageContext):
        self.stage, self.parts = name, sum(map(len, ctx.groups.values()))
        self.began = self._looked = time.monotonic()
        self._receipts = SoFar(ctx.root)
        self._words = stage_of(name).so_far
        self.found = self._receipts.look().parts

    def look(self, every_s: float = 0.0) -> None:
        """Read what was written since, unless that was done less than `every_s` ago."""
        if time.monotonic() - self._looked >= every_s:
            self._looked = time.monotonic()
            self._receipts.look()

    @property
    def done(self) -> int:
        return self._receipts.parts

    @property
    def so_far(self) -> str:
        return self._words(self._receipts.facts, self._receipts.rows) if self.done else ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def eta(self) -> float | None:
        """Seconds left at the rate so far; None before the first part is done."""
        made = self.done - self.found
        return round((self.parts - self.done) * self.seconds / made, 1) if made > 0 else None

    def line(self) -> str:
        made = self.done - self.found
        rate = f", {60 * made / self.seconds:.3g} a minute" if made and self.seconds else ""
        left = "" if self.eta is None else f", about {seconds(self.eta)} left"
        words = f"; {self.so_far}" if self.so_far else ""
        return f"{self.stage}: {self.done:,} of {self.parts:,} parts in {seconds(self.seconds)}{rate}{left}{words}"


def log(event: str, **facts: object) -> None:
    """One line of JSON on stderr."""
    say(json.dumps({"time": round(time.time(), 3), "event": event, **facts}))


def summary(name: str, outcome: Outcome) -> str:
    """One line: what came in, what stayed, and how long it took."""
    if outcome.skipped:
        return f"{name:8} already done ({outcome.done.manifest.digest})"
    shown: list[str] = []
    for kind, c in outcome.done.manifest.counts.items():
        dead = f", {count(c.dead)} dead" if c.dead else ""
        shown.append(f"{kind} {count(c.kept)} of {count(c.entered)}{dead}")
    return f"{name:8} {'; '.join(shown)}  [{seconds(outcome.seconds)}]"
