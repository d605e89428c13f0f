"""Writes the tars of exports: same bytes for the same documents, one tar per shard."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines import storage
from pipelines.shards import tar
from pipelines.shards.document import Member
from schemas.shard import TAR_END


def write_tar(path: str, samples: Iterable[Iterable[Member]]) -> int:
    """Write samples one after another; how many there were."""
    n = 0
    with storage.atomic(path) as out:
        for sample in samples:
            n += 1
            for name, data in sample:
                out.write(tar.header(name, len(data)))
                out.write(data)
                out.write(bytes(tar.padding(len(data))))
        out.write(bytes(TAR_END))
    return n
