"""Pictures through guarded decoders, in order, while the caller works on the ones before: decoding overlaps inference."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pipelines.guard import Death, Guard, GuardLimits
from pipelines.images.decode import MAKE, DecodeSetup, unpack

CHUNK = 64  # pictures that one decoder takes at a time
AHEAD = 256  # decoded pictures that may wait; with pixels of 224 x 224 some 40 MB

_free: dict[tuple[Any, ...], list[Guard]] = {}
_lock = threading.Lock()


@contextmanager
def borrowed(setup: bytes, limits: GuardLimits, target: str = MAKE) -> Iterator[Guard]:
    """A guarded child that outlives the part it is used for: starting one costs as much as decoding 200 pictures."""
    key = (target, setup, limits)
    with _lock:
        guard = _free.setdefault(key, []).pop() if _free.get(key) else Guard(target, limits, setup=setup)
    try:
        yield guard
    except BaseException:
        guard.close()
        raise
    with _lock:
        _free.setdefault(key, []).append(guard)


def release() -> None:
    """End all children that wait for work."""
    with _lock:
        for guards in _free.values():
            for guard in guards:
                guard.close()
        _free.clear()


def decoded(
    items: Sequence[Any],
    read: Callable[[Any], bytes],
    setup: DecodeSetup,
    limits: GuardLimits,
    batch: int,
    decoders: int = 1,
    make: str = MAKE,
) -> Iterator[tuple[Any, dict[str, Any] | Death, Any]]:
    """(item, facts or Death, pixels or None) for each item, in order. `read` gives the flag and bytes of an item (see `decode`); it is
    called in the decoding threads. What it raises is raised here."""
    chunks = [items[i : i + CHUNK] for i in range(0, len(items), CHUNK)]
    decoders = max(1, min(decoders, len(chunks)))
    lines: list[queue.Queue[Any]] = [queue.Queue(max(8, AHEAD // decoders)) for _ in range(decoders)]
    stop = threading.Event()

    def put(line: queue.Queue[Any], value: Any) -> None:
        while not stop.is_set():
            try:
                line.put(value, timeout=0.5)
                return
            except queue.Full:
                continue

    def work(k: int) -> None:
        try:
            with borrowed(setup.dump(), limits, make) as guard:
                own = [x for c in chunks[k::decoders] for x in c]
                for item, (_, reply) in zip(own, guard.map((read(x) for x in own), batch=batch), strict=True):
                    if stop.is_set():
                        return
                    if isinstance(reply, Death):
                        put(lines[k], (item, reply, None))
                    else:
                        put(lines[k], (item, *_unpacked(reply, setup)))
        except BaseException as e:  # handed to the caller, who raises it
            put(lines[k], e)

    threads = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(decoders if chunks else 0)]
    for t in threads:
        t.start()
    try:
        for number, chunk in enumerate(chunks):
            for _ in chunk:
                got = lines[number % decoders].get()
                if isinstance(got, BaseException):
                    raise got
                yield got
    finally:
        stop.set()
        for t in threads:
            t.join()


def _unpacked(reply: bytes, setup: DecodeSetup) -> tuple[dict[str, Any] | Death, Any]:
    try:
        return unpack(reply, setup.target)
    except (ValueError, KeyError, IndexError) as e:  # a child taken over by its input may send anything
        return Death("crash", f"the decoding process sent no result: {e}"[:500], "protocol"), None
