"""`weft retry`: ask again only for what failed for a reason that may have passed.

A retry is a new pass of the fetch stage that takes every final answer over from the pass before (`fetch.earlier`) and asks for the
rest. Which pass a run builds on stands in RUN/retry.json, so that later runs of the same configuration replay the retried result.
"""

from __future__ import annotations

import json
from typing import Any

from pipelines import storage
from pipelines.settings.config import Config
from pipelines.stage import StageError
from schemas import layout
from schemas.manifest import StageManifest, loads_stage

RETRY = "retry.json"


def retry_failed(run: str, config: Config, mark: bool = True) -> dict[str, int]:
    """Mark the last fetch of a run for a retry: status -> how many will be asked again. Then run the stages again, with
    `carried(run, config)`. Nothing to do ({}), or `mark` is False: nothing is marked. StageError if the run has not fetched yet."""
    where = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    digest = json.loads(storage.read_bytes(where)).get("fetch") if storage.exists(where) else None
    if digest is None:
        raise StageError(f"{run}: nothing has been fetched yet; `weft run` does it")
    manifest = _manifest(run, digest)
    if manifest.config != {**_settings(config), "earlier": manifest.config.get("earlier", "")}:
        raise StageError(f"{run}: the settings of [fetch] have changed since it was fetched; `weft run` fetches with the new ones")
    from pipelines.web.fetch.answer import is_passing

    waiting = {s: n for s, n in sorted(manifest.facts.get("statuses", {}).items()) if is_passing(s)}
    if waiting and mark:
        storage.write_bytes(storage.join(run, RETRY), (json.dumps({"earlier": digest}) + "\n").encode())
    return waiting


def carried(run: str, config: Config) -> Config:
    """The configuration with the pass that a retry builds on; unchanged if there was none or [fetch] has been changed since."""
    where = storage.join(run, RETRY)
    if config.fetch.earlier or not storage.exists(where):
        return config
    digest = json.loads(storage.read_bytes(where))["earlier"]
    try:
        found = _manifest(run, digest).config
    except StageError:
        return config
    if found != {**_settings(config), "earlier": found.get("earlier", "")}:
        return config
    return config.model_copy(update={"fetch": config.fetch.model_copy(update={"earlier": digest})})


def _settings(config: Config) -> dict[str, Any]:
    from pipelines.stages.fetch import FetchStage

    return FetchStage().settings(config)


def _manifest(run: str, digest: str) -> StageManifest:
    where = storage.join(run, layout.stage_dir("fetch", digest), layout.STAGE_MANIFEST)
    if not storage.exists(where):
        raise StageError(f"{where} is missing: run `weft run` again")
    return loads_stage(storage.read_bytes(where), where)
