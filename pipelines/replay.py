"""`weft retry --dead`: read the pages that became dead letters again, each by its pointer, with the code and settings as they are now.

It shows whether a fix holds before a stage is run again for it. Nothing in the run folder changes: a stage's folder belongs to the code
and settings that it was made with, and `weft run` makes a new one with the mended ones.
"""

from __future__ import annotations

import json
import tempfile
from typing import Any, NamedTuple

from pipelines import storage
from pipelines.settings.config import Config
from pipelines.stage import StageError
from schemas import layout
from schemas.manifest import StageManifest, loads_stage

LETTER = ("url", "path", "offset", "length", "kind", "message")


class Replayed(NamedTuple):
    """A dead letter and what becomes of its record now."""

    url: str
    path: str  # of the archive
    offset: int  # of the record in it, in bytes
    was: str  # kind of death in the run
    now: str  # "" = read; else the kind of death
    message: str  # of the death now


def replay(run: str, config: Config) -> list[Replayed]:
    """Every dead letter of the run's last extract, in the order of archive and offset. StageError if there is no extract yet; SourceError if
    an archive cannot be read."""
    from pipelines.stages.extract import guard
    from pipelines.web.inputs import Unit
    from pipelines.web.unit_work import read_unit

    root, manifest = _extract(run)
    letters = {(d["path"], d["offset"]): d for p in manifest.tables.get("dead", ()) for d in _rows(storage.join(root, p.path))}
    if not letters:
        return []
    pointers = tuple((path, offset, letters[path, offset]["length"]) for path, offset in sorted(letters))
    with tempfile.TemporaryDirectory(prefix="weft-replay-") as folder:
        written, _ = read_unit(Unit("replay", "", pointers=pointers), folder, config, guard(config))
        still = {(d["path"], d["offset"]): d for name, p in written if name == "dead" for d in _rows(storage.join(folder, p.path))}
    out = []
    for at in sorted(letters):
        was, now = letters[at], still.get(at, {"kind": "", "message": ""})
        out.append(Replayed(was["url"], *at, was["kind"], now["kind"], now["message"]))
    return out


def is_unchanged(run: str, config: Config) -> bool:
    """Whether `weft run` would find the stage done: then what changed (a library, the machine) is nothing that its folder is named by."""
    from pipelines.stage import digest
    from pipelines.stages.extract import ExtractStage

    return digest(ExtractStage(), config, {}) == _extract(run)[1].digest


def _extract(run: str) -> tuple[str, StageManifest]:
    where = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    digest = json.loads(storage.read_bytes(where)).get("extract") if storage.exists(where) else None
    if digest is None:
        raise StageError(f"{run}: no page has been read yet; `weft run` does it")
    root = storage.join(run, layout.stage_dir("extract", digest))
    path = storage.join(root, layout.STAGE_MANIFEST)
    return root, loads_stage(storage.read_bytes(path), path)


def _rows(path: str) -> list[dict[str, Any]]:
    return storage.read_table(path, list(LETTER)).to_pylist()
