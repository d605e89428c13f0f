"""What a run must be equal to, whatever happened to it: an undisturbed one.

Fetch notes when each image was asked for, so its tables (and what report makes of them) differ from run to run; they must be whole.
Everything else must be the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

STAGES = ("extract", "dedup", "score", "select", "pack")


def final(run: Path) -> list[Path]:
    """Every file under a final name."""
    out = []
    for folder, _, names in os.walk(run):
        out += [Path(folder) / n for n in names if not n.startswith(".") and not n.endswith(".lock")]
    return sorted(p for p in out if "journal" not in p.parts)


def files(run: Path) -> dict[str, str]:
    """sha256 of what must not differ between two runs, by path in the run folder."""
    out = {}
    for path in final(run):
        parts = path.relative_to(run).parts
        if path.name != "timing.json" and (parts[0] == "shards" or (parts[0] == "stages" and parts[1] in STAGES)):
            out["/".join(parts)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return out


def published(run: Path) -> dict[str, str]:
    """Shards, indexes, and the manifests of the stages: what must be there and identical after any rerun."""
    return {n: h for n, h in files(run).items() if n.startswith("shards/") or n.endswith("/manifest.json")}


def half(run: Path, whole: dict[str, str]) -> list[str]:
    """Files under a final name that are not whole: other bytes than undisturbed, other bytes than their receipt says, or unreadable."""
    out = [n for n, h in files(run).items() if n in whole and whole[n] != h]
    for receipt in run.glob("stages/*/*/parts/*/*.json"):
        for _, part in json.loads(receipt.read_text())["tables"]:
            file = receipt.parents[2] / part["path"]
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != part["sha256"]:
                out.append(f"{file.relative_to(run)} is not what its receipt says")
    for path in final(run):
        if path.suffix == ".json":
            try:
                json.loads(path.read_text())
            except ValueError:
                out.append(f"{path.relative_to(run)} is no JSON")
        elif path.suffix == ".parquet":
            import pyarrow.parquet as pq

            try:
                pq.read_metadata(path)
            except Exception as e:
                out.append(f"{path.relative_to(run)}: {e}")
    return sorted(out)


def unbalanced(run: Path) -> list[str]:
    """Stages whose books do not balance."""
    out = []
    for manifest in run.glob("stages/*/*/manifest.json"):
        said = json.loads(manifest.read_text())
        for kind, c in said["counts"].items():
            if c["entered"] != c["kept"] + sum(c["dropped"].values()) + c["dead"]:
                out.append(f"{said['stage']}: {kind}")
    return out


def left_over(run: Path) -> list[str]:
    """Folders of passing files that a finished stage still has."""
    return sorted(str(p.relative_to(run)) for p in run.glob("stages/*/*/work") if (p.parent / "manifest.json").exists())
