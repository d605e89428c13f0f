"""weft status on a run that is half done, on this disk and on an object store."""

from __future__ import annotations

import json

import pytest

from pipelines import storage
from schemas import layout
from schemas.manifest import Count, StageManifest, dumps
from tests.faults import object_store
from weft.main import main


def write(run: str) -> None:
    """extract done twice, the newer one last; dedup begun; nothing published."""
    storage.write_bytes(storage.join(run, layout.CONFIG), b"")
    for digest, kept in (("old", 3), ("new", 5)):
        root = storage.join(run, layout.stage_dir("extract", digest))
        counts = {"documents": Count(10, kept, {"document.word_count.below": 10 - kept})}
        storage.write_bytes(storage.join(root, "parts", "unit", "00000.json"), b"{}")
        storage.write_bytes(storage.join(root, "timing.json"), b'{"seconds": 61.0}')
        storage.write_bytes(storage.join(root, layout.STAGE_MANIFEST), dumps(StageManifest("extract", digest, {}, {}, "", {}, {}, counts)))
    storage.write_bytes(storage.join(run, layout.stage_dir("dedup", "d"), "parts", "unit", "00000.json"), b"{}")


def said(run: str, capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    assert main(["status", run, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert not answer["published"]
    return {r["stage"]: r for r in answer["stages"]}


def check(rows: dict[str, dict]) -> None:
    assert rows["extract"] == {"stage": "extract", "state": "done", "parts": "1", "seconds": 61.0, "counts": "documents 5 of 10"}
    assert (rows["dedup"]["state"], rows["dedup"]["parts"], rows["fetch"]["state"]) == ("partial", "1", "waiting")


def test_of_a_local_run(tmp_path, capsys):
    write(str(tmp_path))
    check(said(str(tmp_path), capsys))


def test_of_a_run_on_an_object_store(monkeypatch, capsys):
    import fsspec

    with object_store.server() as (environment, _):
        for name in (*object_store.KEYS, "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, environment[name])
        fsspec.filesystem("s3").clear_instance_cache()
        write("s3://weft/run")
        rows = said("s3://weft/run", capsys)
        fsspec.filesystem("s3").clear_instance_cache()
    assert rows["extract"]["state"] == "done" and rows["dedup"]["parts"] == "1" and rows["fetch"]["state"] == "waiting"
