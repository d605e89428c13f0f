"""From Beam's pages of nested tracebacks to one sentence: which stage and part failed, with what, and what to do next."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pipelines.stage import StageError

MARK = "weft-failure:"
_LINE = re.compile(r"^(?:[\w.]*\.)?([A-Z]\w*(?:Error|Exception|Exit|Interrupt|Missing|Panic|Refused)): (.*)$", re.MULTILINE)
_RUNNING = re.compile(r" \[while running '(.*?)(?:-ptransform-\d+)?'\]")
_ERRNO = re.compile(r"\[[Ee]rrno (\d+)\]")
NEXT = "finished parts are kept: run the same command again to resume (WEFT_DEBUG=1 shows the traceback)"


class WorkFailed(StageError):
    """The work on a part failed, or the engine did."""


def describe(e: Exception, part: object, work: object) -> WorkFailed:
    """In a worker: the failure as one line that survives every engine's wrapping."""
    frames = traceback.extract_tb(e.__traceback__)
    last = frames[-1] if frames else None
    facts: dict[str, Any] = {
        "stage": type(work).__module__.rsplit(".", 1)[-1],
        "step": type(work).__name__,
        "part": str(part),
        "error": type(e).__name__,
        "names": [c.__name__ for c in type(e).__mro__],
        "message": str(e)[:2000],
        "errno": e.errno if isinstance(e, OSError) else None,
        "file": str(e.filename) if isinstance(e, OSError) and e.filename else "",
        "module": getattr(e, "name", None) if isinstance(e, ModuleNotFoundError) else None,
        "at": f"{os.path.basename(last.filename)}:{last.lineno}" if last else "",
    }
    return WorkFailed(f"{MARK}{json.dumps(facts)}")


def read_back(e: BaseException, engine: str) -> Exception:
    """In the driver: what to raise for whatever the engine raised. OSError with its errno, MemoryError and ModuleNotFoundError keep
    their types (exit code 4), everything else is a WorkFailed (exit code 3, resumable)."""
    text = str(e)
    if (at := text.find(MARK)) >= 0:
        facts, _ = json.JSONDecoder().raw_decode(_plain(text[at + len(MARK) :]))
        where = f"stage {facts['stage']}, part {facts['part']}"
        message = facts["message"]
        names, number = facts["names"], facts["errno"]
        if "ModuleNotFoundError" in names:
            return ModuleNotFoundError(f"{where}: {message}", name=facts["module"])
        if "MemoryError" in names:
            return MemoryError(where)
        if number is not None and "OSError" in names:
            return OSError(number, f"{where}: {os.strerror(number)}", facts["file"] or None)
        own = "StageError" in names or "InputError" in names or "SourceError" in names
        return WorkFailed(f"{where}: {message if own else facts['error'] + ': ' + message} ({facts['at']}); {NEXT}")
    running = _RUNNING.search(text)
    where = f"step {running.group(1)}" if running else f"the {engine} engine"
    found = _LINE.search(text)
    name, message = (found.group(1), found.group(2)) if found else (type(e).__name__, text.strip().splitlines()[-1] if text.strip() else "")
    if detail := re.search(r'details = "(.*?)"', text):  # a gRPC error says what in its second line
        name, message = "engine unreachable or refused", detail.group(1)
    message = _RUNNING.sub("", message)[:500]
    if number := _ERRNO.search(message):
        code = int(number.group(1))
        return OSError(code, f"{where}: {os.strerror(code)}")
    if name == "MemoryError" or isinstance(e, MemoryError):
        return MemoryError(where)
    return WorkFailed(f"{where}: {name}: {message}; {NEXT}")


@contextmanager
def at_stage(name: str) -> Generator[None]:
    """An OSError of the driver's own work on a stage says which, as those of workers do: a failed write to an open file names nothing."""
    try:
        yield
    except OSError as e:
        if e.errno is None or str(e.strerror).startswith(("stage ", "step ", "the ")):
            raise
        raise OSError(e.errno, f"stage {name}: {e.strerror}", e.filename) from e


def _plain(text: str) -> str:
    """Some engines hand the text on as a quoted string inside another one."""
    return text if text.startswith('{"') else text.replace('\\"', '"').replace("\\\\", "\\")
