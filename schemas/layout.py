"""The names inside a run folder: the contract that users script against."""

from __future__ import annotations

STAGES = ("extract", "dedup", "fetch", "score", "select", "pack", "report")

CONFIG = "config.toml"  # resolved configuration
MANIFEST = "manifest.json"  # written last: the run's commit point
REPORT = "report.html"
STAGE_DIR = "stages"  # stages/<stage>/<digest>/
STAGE_MANIFEST = "manifest.json"
CURRENT = "current.json"  # stages/current.json: stage -> digest of the last complete pass
SHARDS = "shards"
AUDIT = "audit"
PROGRESS = "progress"
TAKEDOWN = "takedown"  # tombstones, patches, log
TAKEDOWN_LOG = f"{TAKEDOWN}/log.json"  # one entry per takedown: the manifest it replaced, the reason, the patch
AUDIT_TABLES = ("documents", "nodes", "images", "pairs", "decisions", "dead", "optouts", "rollups", "rules")


def stage_dir(stage: str, digest: str) -> str:
    return f"{STAGE_DIR}/{stage}/{digest}"


def table_file(table: str, part: str) -> str:
    """Path of a table's file for one unit, bucket or shard, relative to its stage folder."""
    return f"{table}/{part}.parquet"
