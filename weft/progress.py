"""How far a run is, from the small files that stages write as they go: works on every engine, and for another process too."""

from __future__ import annotations

import json
import threading
import time
from types import TracebackType

from pipelines.stage import Outcome, StageContext
from weft.console import count, on_terminal, say, seconds

PLAIN_EVERY_S = 30.0


class Progress:
    """Bars on a terminal; otherwise a line when a stage starts and ends, and every 30 s. Use as `Events` of a run."""

    def __init__(self, quiet: bool = False, log_json: bool = False):
        self.quiet, self.log_json = quiet, log_json
        self._stop = threading.Event()
        self._stage: tuple[str, StageContext] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._bar = None
        self._began = 0.0

    def __enter__(self) -> Progress:
        if not self.quiet and not self.log_json and on_terminal():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
            from rich.progress import Progress as Bars

            self._bar = Bars(SpinnerColumn(), TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TextColumn("parts"),
                             TimeElapsedColumn(), TextColumn("eta"), TimeRemainingColumn(), console=Console(stderr=True), transient=True)  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("", total=None)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        if self._bar:
            self._bar.stop()

    def starting(self, name: str, ctx: StageContext) -> None:
        self._stage, self._began = (name, ctx), time.monotonic()
        if self._bar:
            self._bar.reset(self._task, description=name, total=sum(map(len, ctx.groups.values())))
        if self.log_json:
            log("starting", stage=name, folder=ctx.root, parts=sum(map(len, ctx.groups.values())))

    def finished(self, name: str, outcome: Outcome) -> None:
        self._stage = None
        if self.log_json:
            counts = {k: vars(c) for k, c in outcome.done.manifest.counts.items()}
            log("finished", stage=name, skipped=outcome.skipped, seconds=round(outcome.seconds, 3), counts=counts)
        elif not self.quiet:
            say(summary(name, outcome))

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(0.5):
            if (stage := self._stage) is None:
                continue
            name, ctx = stage
            if self._bar:
                self._bar.update(self._task, completed=parts_done(ctx))
            elif not self.quiet and time.monotonic() - last >= PLAIN_EVERY_S:
                last = time.monotonic()
                if self.log_json:
                    log("progress", stage=name, done=parts_done(ctx), parts=sum(map(len, ctx.groups.values())))
                    continue
                say(f"{name}: {parts_done(ctx)} of {sum(map(len, ctx.groups.values()))} parts, {seconds(last - self._began)}")


def log(event: str, **facts: object) -> None:
    """One line of JSON on stderr."""
    say(json.dumps({"time": round(time.time(), 3), "event": event, **facts}))


def parts_done(ctx: StageContext) -> int:
    return sum(len(parts) - len(ctx.todo(group)) for group, parts in ctx.groups.items())


def summary(name: str, outcome: Outcome) -> str:
    """One line: what came in, what stayed, and how long it took."""
    if outcome.skipped:
        return f"{name:8} already done ({outcome.done.manifest.digest})"
    shown: list[str] = []
    for kind, c in outcome.done.manifest.counts.items():
        dead = f", {count(c.dead)} dead" if c.dead else ""
        shown.append(f"{kind} {count(c.kept)} of {count(c.entered)}{dead}")
    return f"{name:8} {'; '.join(shown)}  [{seconds(outcome.seconds)}]"
