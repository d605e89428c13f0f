"""A page as arrays: what the scanner found, and the words of its blocks."""

from __future__ import annotations

import re
import threading
from functools import cached_property
from typing import Any

import numpy as np

from pipelines.web.dom import scan


class Tree:
    """Blocks, containers and images of one page, in the page's order. Tables are int32, one row per fact (see scan.py), one column
    per entry; a container holds the blocks [START, END)."""

    def __init__(self, html: bytes, max_nodes: int, max_depth: int):
        self.html = html
        data = np.frombuffer(html, np.uint8)
        room = len(html) // 3 + 3  # no tag is shorter
        room = room if room <= _KEPT else html.count(b"<") + 2
        boxes, blocks = _room("boxes", scan.BOX_ROWS, room), _room("blocks", scan.BLOCK_ROWS, room)
        pictures, sources, whole = _room("pictures", scan.PICTURE_ROWS, room), _room("sources", 2, room), _room("whole", 4, 0)
        out = np.empty(len(html) + 16, np.uint8)
        sizes = np.zeros(10, np.int64)
        scan.scan(html, max_nodes, max_depth, boxes, blocks, pictures, sources, whole, out, sizes)
        n_boxes, self.n, n_pictures, n_sources, n_whole, n_out, nodes, depth, at, end = sizes.tolist()
        self.data = data
        self.truncated = "max_nodes" if nodes else "max_depth" if depth else ""
        self.boxes, self.blocks = boxes[:, :n_boxes].copy(), blocks[:, : self.n].copy()
        self.pictures, self.sources, self.whole = pictures[:, :n_pictures].copy(), sources[:, :n_sources].copy(), whole[:, :n_whole].copy()
        self.out = out[:n_out]
        self.root = (at, end)  # attributes of <html>

    @cached_property
    def bytes(self) -> bytes:
        return self.out.tobytes()

    def text(self, block: int) -> str:
        return self.bytes[self.blocks[scan.AT, block] : self.blocks[scan.STOP, block]].decode("utf-8", "replace")

    @cached_property
    def texts(self) -> list[str]:
        data = self.bytes
        return [data[a:b].decode("utf-8", "replace") for a, b in zip(*self.blocks[: scan.STOP + 1].tolist(), strict=True)]

    @cached_property
    def size(self) -> list[int]:
        """Bytes of each block."""
        return (self.blocks[scan.STOP] - self.blocks[scan.AT]).tolist()

    def attributes(self, at: int, end: int) -> dict[str, str]:
        """The attributes of the tag whose attributes stand at html[at:end]."""
        return attributes(self.html[at:end])

    def __getattr__(self, name: str) -> Any:  # rows as lists, for code that goes one by one
        rows = {"parent": scan.PARENT, "tag": scan.TAG, "hint": scan.HINT, "scope": scan.SCOPE, "start": scan.START, "end": scan.END}
        if name in rows:
            value = self.boxes[rows[name]].tolist()
        elif name == "box":
            value = self.blocks[scan.BOX].tolist()
        elif name == "breaks":
            value = self.blocks[scan.BREAKS].tolist()
        else:
            raise AttributeError(name)
        setattr(self, name, value)
        return value


_kept = threading.local()
# entries for which the room of the page before is used again: new pages of memory cost more than the scan. No power of two, by which all rows of an
# entry would fall on the same lines of the cache
_KEPT = (1 << 17) + 80


def _room(name: str, rows: int, entries: int) -> Any:
    if entries > _KEPT:
        return np.empty((rows, entries), np.int32)
    if (found := getattr(_kept, name, None)) is None:
        found = np.empty((rows, _KEPT), np.int32)
        setattr(_kept, name, found)
    return found


_ATTRIBUTE = re.compile(r'([^\s=]+)="([^"]*)"')
_ESCAPES = (("&nbsp;", "\xa0"), ("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def attributes(data: bytes) -> dict[str, str]:
    """Attributes as the serialiser writes them: `name="value"`, values escaped."""
    text = data.decode("utf-8", "replace")
    found = _ATTRIBUTE.findall(text)
    found.reverse()  # of two equal names the first counts
    return {name: plain(value) for name, value in found} if "&" in text else dict(found)


def plain(value: str) -> str:
    """Text without the serialiser's escapes."""
    if "&" in value:
        for written, meant in _ESCAPES:
            value = value.replace(written, meant)
    return value
