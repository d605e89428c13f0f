"""A run folder, opened for reading: its manifests, and its tables as DuckDB views."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import mirror
from schemas import layout
from schemas.manifest import StageManifest, loads_stage

if TYPE_CHECKING:
    import duckdb

VIEWS = ("documents", "nodes", "images", "pairs", "decisions", "dead", "optouts", "rollups", "rules")


class RunError(ValueError):
    """The folder is not a finished run; the message says what is missing."""


@dataclass(frozen=True)
class Run:
    """`Run("runs/first")`, or a run on an object store (`s3://...`), whose tables are copied here first. Everything is read-only."""

    path: str

    def __post_init__(self) -> None:
        if mirror.is_remote(self.path):
            try:
                object.__setattr__(self, "path", mirror.local(self.path))
            except FileNotFoundError as e:
                raise RunError(str(e)) from e
        if not os.path.isdir(self.path):
            raise RunError(f"no run folder {self.path!r}")
        if not os.path.isfile(self._current):
            raise RunError(f"{self.path!r} is not a run folder: {layout.STAGE_DIR}/{layout.CURRENT} is missing (start one with `weft run`)")

    @property
    def _current(self) -> str:
        return os.path.join(self.path, layout.STAGE_DIR, layout.CURRENT)

    @cached_property
    def stages(self) -> dict[str, StageManifest]:
        """The finished stages, in order."""
        current = json.loads(Path(self._current).read_text())
        out = {}
        for name in layout.STAGES:
            if name in current:
                where = os.path.join(self.stage_path(name, current[name]), layout.STAGE_MANIFEST)
                out[name] = loads_stage(Path(where).read_bytes(), where)
        return out

    def stage_path(self, stage: str, digest: str | None = None) -> str:
        return os.path.join(self.path, layout.stage_dir(stage, digest or self.stages[stage].digest))

    def timing(self, stage: str) -> dict[str, float | None]:
        """What the stage cost when it ran: `seconds` by the clock, `cpu_seconds` of the machine that started it, `gpu_seconds` for which
        a GPU was held; None where it does not say."""
        path = Path(self.stage_path(stage), "timing.json")
        said = json.loads(path.read_text()) if path.exists() else {}
        on_gpu = self.stages[stage].facts.get("clip", {}).get("device", "cpu") != "cpu"
        return {
            "seconds": said.get("seconds"),
            "cpu_seconds": said.get("cpu_seconds"),
            "gpu_seconds": said.get("seconds") if on_gpu else 0.0,
        }

    @cached_property
    def config(self) -> dict[str, Any]:
        import tomllib

        return tomllib.loads(Path(self.path, layout.CONFIG).read_text(encoding="utf-8"))

    def table_paths(self, table: str) -> list[str]:
        folder = Path(self.path, layout.AUDIT, table)
        return sorted(str(p) for p in folder.glob("*.parquet")) if folder.is_dir() else []

    def stage_table(self, stage: str, table: str) -> list[str]:
        """Files of a stage's own table, as its manifest names them."""
        root = self.stage_path(stage)
        return [os.path.join(root, p.path) for p in self.stages[stage].tables.get(table, ())]

    def connect(self, memory_limit: str = "1GB", beside: Run | None = None) -> duckdb.DuckDBPyConnection:
        """DuckDB over the audit tables: one view per table, nothing else reachable, nothing written. `beside`: a second run, whose views
        are called `other_<table>`. RunError if a run has no audit tables."""
        import duckdb

        con = duckdb.connect(":memory:", config={"memory_limit": memory_limit, "threads": 2})
        self._views(con, "")
        folders = [self._folder]
        if beside is not None:
            beside._views(con, "other_")
            folders.append(beside._folder)
        allowed = ", ".join("'" + f.replace("'", "''") + "'" for f in folders)
        con.execute(f"SET allowed_directories=[{allowed}]")
        con.execute("SET enable_external_access=false")
        con.execute("SET lock_configuration=true")
        return con

    @property
    def _folder(self) -> str:
        return os.path.abspath(os.path.join(self.path, layout.AUDIT))

    def _views(self, con: duckdb.DuckDBPyConnection, prefix: str) -> None:
        if not self.table_paths("documents"):
            raise RunError(f"{self.path!r} has no audit tables yet: finish the run first (`weft run ...` again)")
        for view in VIEWS:
            if paths := self.table_paths(view):
                files = ", ".join("'" + os.path.abspath(p).replace("'", "''") + "'" for p in paths)
                con.execute(f"CREATE VIEW {prefix}{view} AS SELECT * FROM read_parquet([{files}], union_by_name=true)")
