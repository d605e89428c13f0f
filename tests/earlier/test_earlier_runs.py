"""Runs that earlier versions wrote are read by this one, and compared.

Each archive beside this file holds one run over the same web of 50 pages (`weft demo --pages 50 --seed 3 --no-train`), without the fetched
originals: 2026-11-23 was written by commit 2ab8053, 2026-11-24 by cc518df. They are never made again: a change that cannot read them
is a change of format, and raises `schemas.manifest.FORMAT` or a table's version.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import layout, tables
from schemas.manifest import StageManifest, loads_run, loads_stage

HERE = Path(__file__).parent
ADDED = {"fetch/archived": ("bucket",)}  # columns that a stage puts beside those of another stage's table
VERSIONS = sorted(p.name.removesuffix(".tar.xz") for p in HERE.glob("*.tar.xz"))


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version -> run folder."""
    out = {}
    for version in VERSIONS:
        folder = tmp_path_factory.mktemp("earlier")
        with tarfile.open(HERE / f"{version}.tar.xz") as t:
            t.extractall(folder, filter="data")
        out[version] = folder / "run"
    return out


def test_there_are_earlier_runs() -> None:
    assert VERSIONS[:2] == ["2026-11-23", "2026-11-24"]


def stages(run: Path) -> Iterator[tuple[Path, StageManifest]]:
    """Folder and manifest of each stage, in order."""
    current = json.loads((run / layout.STAGE_DIR / layout.CURRENT).read_text())
    for name in layout.STAGES:
        folder = run / layout.stage_dir(name, current[name])
        yield folder, loads_stage((folder / layout.STAGE_MANIFEST).read_bytes(), name)


def named(run: Path) -> Iterator[tuple[str, Path]]:
    """(table, file) of everything that the stages' manifests name."""
    for folder, manifest in stages(run):
        for table, parts in manifest.tables.items():
            yield from ((table, folder / p.path) for p in parts if p.path.endswith(".parquet"))


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_read_and_the_books_balance(earlier: dict[str, Path], version: str) -> None:
    run = earlier[version]
    manifest = loads_run((run / layout.MANIFEST).read_bytes(), version)
    assert len(manifest.shards) == 1 and manifest.shards[0].documents == 23 and manifest.shards[0].images == 42
    for _, stage in stages(run):
        assert stage.counts and all(c.missing() == 0 for c in stage.counts.values())


def changed(run: Path) -> tuple[list[str], set[str]]:
    """(what differs in tables that call themselves by a version of today, the tables seen). Columns may be added to one by the stage that
    writes it (doubles: measures); none may go or become another type, as readers name them."""
    out, seen = [], set()
    for name, path in named(run):
        there = pq.read_schema(path)
        says = there.metadata or {}
        if says.get(b"weft.table") != name.encode() or says[b"weft.version"] != str(tables.VERSION.get(name)).encode():
            continue
        seen.add(name)
        now = tables.schema(name)
        more = ADDED.get(f"{path.parents[2].name}/{name}", ())
        out += [f"{name}.{n} is new" for n in now.names if n not in there.names]
        out += [f"{name}.{f.name} has another type" for f in there if f.name in now.names and now.field(f.name).type != f.type]
        out += [f"{name}.{f.name} is gone" for f in there if f.name not in (*now.names, *more) and str(f.type) != "double"]
    return sorted(set(out)), seen


@pytest.mark.parametrize("version", VERSIONS)
def test_a_table_of_the_same_version_has_its_columns_still(earlier: dict[str, Path], version: str) -> None:
    found, seen = changed(earlier[version])
    assert not found, f"{found}: raise these tables' number in tables.VERSION, and read both versions"
    assert len(seen) > 15


def test_a_change_of_columns_is_seen(earlier: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    columns = [(n, pa.int64() if n == "row" else t) for n, t in tables._COLUMNS["decisions"] if n != "cluster"]
    monkeypatch.setitem(tables._COLUMNS, "decisions", [*columns, ("x", pa.string())])
    said = ["decisions.cluster is gone", "decisions.row has another type", "decisions.x is new"]
    assert changed(earlier[VERSIONS[0]])[0] == said
    monkeypatch.setitem(tables.VERSION, "decisions", 2)
    assert changed(earlier[VERSIONS[0]])[0] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_shards_and_tables_verify(earlier: dict[str, Path], version: str) -> None:
    from pipelines.shards.verify import verify

    report = verify(str(earlier[version]), None, seed=0, tables=True)
    faults = [f for f in report.faults if not (f.kind == "missing" and "/blobs/" in f.file)]
    assert not faults, faults
    assert (report.documents, report.images) == (23, 42)


@pytest.mark.parametrize("version", VERSIONS)
def test_why_whatif_and_the_report_answer(earlier: dict[str, Path], version: str) -> None:
    from audit.queries import ask
    from audit.report import render
    from audit.run import Run
    from audit.whatif import whatif
    from audit.why import why

    run = Run(str(earlier[version]))
    with run.connect() as con:
        rows = ask(
            con, "SELECT any_value(url) AS url, kept, first_reason, count(*) AS n FROM documents GROUP BY kept, first_reason ORDER BY n"
        )
    assert sum(r["n"] for r in rows) == 50 and sum(r["n"] for r in rows if r["kept"]) == 23
    for r in rows:
        (said,) = why(run, r["url"])["captures"]
        assert (said["document"]["kept"], said["document"]["first_reason"]) == (r["kept"], r["first_reason"])
    assert "<html" in render(run)
    as_it_was = whatif(run, [])
    assert as_it_was.before == as_it_was.after == {"documents": 23, "images": 42, "pages": 50}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_trainer_reads_the_shards(earlier: dict[str, Path], version: str) -> None:
    from trainer.index import read_bytes, read_index, read_json

    entries = read_index(str(earlier[version])).entries
    assert len(entries) == 23
    for entry in entries:
        said = read_json(entry, read_bytes(entry))
        assert len(said["texts"]) == len(said["images"]) > 0


def test_the_two_versions_are_compared(earlier: dict[str, Path]) -> None:
    """The same pages, the same fates, and the code of every stage named as changed."""
    from audit.diff import diff
    from audit.run import Run

    found = diff(Run(str(earlier["2026-11-23"])), Run(str(earlier["2026-11-24"])))
    assert found["total"] == {"pages_a": 50, "pages_b": 50, "kept_a": 23, "kept_b": 23, "came_in": 0, "went_out": 0, "other_reason": 0}
    assert {c["key"] for c in found["code"]} == set(layout.STAGES)
