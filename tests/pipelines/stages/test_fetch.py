"""The stage: recorded once, killed and resumed, replayed, retried, fed from archives and from img2dataset."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import storage
from pipelines.retry import carried, retry_failed
from pipelines.settings.config import Config, dump
from pipelines.shards.export.img2dataset import export
from pipelines.shards.export.source import ExportError
from pipelines.stage import Done, StageError, execute
from pipelines.stages.fetch import FetchStage
from pipelines.web.fetch.img2dataset import stored
from pipelines.web.fetch.journal import Journal, records
from pipelines.web.fetch.politeness import OWN_FILES
from schemas import layout
from schemas.ids import image_id
from schemas.manifest import Count, StageManifest, dumps
from schemas.rows import IMAGE, TEXT, Document, Node
from schemas.tables import schema
from tests.support.hostile_server import IMAGE as BYTES
from tests.support.hostile_server import HostileServer

TIMES = ("seconds", "fetched_at")


def config(address: str, **fetch) -> Config:
    base = {"contact": "https://example.org/crawler", "per_host_delay_s": 0.0, "backoff_s": 0.05, "allow_test_resolve": True,
            "test_resolve": {"*": address}, "total_s": 5, "connect_s": 2}  # fmt: skip
    return Config.model_validate({"runner": {"workers": 1}, "fetch": {**base, **fetch}})


def before(root: Path, urls: list[str], archived: list[dict] = ()) -> dict[str, Done]:
    """extract and dedup of two units whose documents hold the URLs; every tenth node is dropped by dedup."""
    done = {}
    units = ("00000", "00001")
    tables: dict[str, dict[str, dict[str, pa.Table]]]
    tables = {"extract": {"documents": {}, "archived": {}}, "dedup": {"decisions": {}, "node_decisions": {}}}
    for u, unit in enumerate(units):
        mine = [urls[i : i + 5] for i in range(0, len(urls), 5)][u::2]
        docs = []
        for d, group in enumerate(mine):
            nodes = [Node(0, TEXT, text="words")] + [Node(i + 1, IMAGE, url=x, image_id=image_id(x)) for i, x in enumerate(group)]
            page = "http://p.example/"
            docs.append(Document(f"{u}{d:031d}", page, page, "p.example", "", "w", 0, 0, "", "", "en", 1.0, tuple(nodes)))
        rows = [{**d._asdict(), "nodes": [n._asdict() for n in d.nodes]} for d in docs]
        tables["extract"]["documents"][unit] = pa.Table.from_pylist(rows, schema("documents"))
        if archived and not u:
            tables["extract"]["archived"][unit] = pa.Table.from_pylist(list(archived), schema("archived"))
        where = [{"doc_id": d.doc_id, "unit": unit, "row": i, "kept": True, "reason": ""} for i, d in enumerate(docs)]
        tables["dedup"]["decisions"][unit] = pa.Table.from_pylist(where, schema("decisions"))
        gone = [{**w, "index": n.index, "image_id": n.image_id, "kept": False, "reason": "image.duplicate.url_frequent"}
                for w, d in zip(where, docs, strict=True) for n in d.nodes if n.url.endswith("/gone")]  # fmt: skip
        tables["dedup"]["node_decisions"][unit] = pa.Table.from_pylist(gone, schema("node_decisions"))
    for stage, parts in tables.items():
        folder = storage.join(str(root), layout.stage_dir(stage, "0" * 16))
        written = {n: tuple(storage.write_table(folder, layout.table_file(n, p), t) for p, t in of.items()) for n, of in parts.items()}
        manifest = StageManifest(stage, "0" * 16, {}, {}, "", {"unit": units}, written, {"images": Count(len(urls), len(urls))})
        storage.write_bytes(storage.join(folder, layout.STAGE_MANIFEST), dumps(manifest))
        done[stage] = Done(folder, manifest)
    return done


def rows(done: Done, drop=()) -> list[dict]:
    out = [r for p in done.paths("urls") for r in pq.read_table(p).to_pylist()]
    return sorted(({k: v for k, v in r.items() if k not in drop} for r in out), key=lambda r: r["image_id"])


def blobs(done: Done) -> dict[str, bytes]:
    return {p.path: Path(done.root, p.path).read_bytes() for p in done.manifest.tables["blobs"]}


URLS = [f"http://h{i % 9}.example/{i}" for i in range(70)] + ["http://h1.example/status/404", "http://x.example/says/X-Robots-Tag/noai",
        "http://y.example/gone", "http://h2.example/same", "http://127.0.0.1/private"]  # fmt: skip


def test_of_many_units_the_wants_are_gathered_first_and_nothing_else_changes(tmp_path, monkeypatch):
    with HostileServer() as server:
        plain = execute(FetchStage(), str(tmp_path / "a"), config(server.address), before(tmp_path / "a", URLS)).done
        monkeypatch.setattr("pipelines.stages.fetch.FEW_UNITS", 1)
        many = execute(FetchStage(), str(tmp_path / "b"), config(server.address), before(tmp_path / "b", URLS)).done
    assert "gather" not in plain.manifest.parts and many.manifest.parts["gather"] == ("00000",)
    assert rows(many, TIMES) == rows(plain, TIMES) and blobs(many) == blobs(plain) and many.manifest.counts == plain.manifest.counts
    for path in plain.paths("wanted"):  # a bucket that opened the units' own files would be quadratic: it does not need them
        Path(many.root, "wanted", Path(path).name).unlink()
    for receipt in Path(many.root, "parts", "bucket").glob("*.json"):
        receipt.unlink()
    Path(many.root, layout.STAGE_MANIFEST).unlink()
    with HostileServer() as server:
        again = execute(FetchStage(), str(tmp_path / "b"), config(server.address), before(tmp_path / "b", URLS)).done
    assert rows(again, TIMES) == rows(plain, TIMES)


def test_every_url_once_with_bytes_that_are_there(tmp_path):
    with HostileServer() as server:
        done = execute(FetchStage(), str(tmp_path), config(server.address), before(tmp_path, URLS)).done
        asked = [(s.host, s.path) for s in server.log]
    assert len(asked) == len(set(asked))
    got = {r["url"]: r for r in rows(done)}
    assert set(got) == {u for u in URLS if not u.endswith("/gone")}
    for url, r in got.items():
        if r["status"] == "success":
            data = Path(done.root, r["blob"]).read_bytes()[r["blob_offset"] :][: r["bytes"]]
            assert data == BYTES + url.split("example")[1].encode() and hashlib.sha256(data).hexdigest() == r["sha256"]
    assert got["http://h1.example/status/404"]["status"] == "http 404"
    assert got["http://127.0.0.1/private"]["address_class"] == "loopback"
    optouts = [o for p in done.paths("optouts") for o in pq.read_table(p).to_pylist()]
    assert [(o["signal"], o["token"], o["acted"]) for o in optouts] == [("x-robots-tag", "noai", True)]
    count = done.manifest.counts["image_urls"]
    assert count == Count(74, 71, {"image.fetch.failed": 2, "image.opt_out": 1})
    for part in done.manifest.tables["blobs"]:
        assert hashlib.sha256(Path(done.root, part.path).read_bytes()).hexdigest() == part.sha256


def test_a_rerun_replays_and_asks_nobody(tmp_path):
    inputs = before(tmp_path, URLS[:20])
    with HostileServer() as server:
        first = execute(FetchStage(), str(tmp_path), config(server.address), inputs)
        n = len(server.log)
        # another pace, server or contact does not make another result
        second = execute(FetchStage(), str(tmp_path), config(server.address, per_host_delay_s=0.01, concurrency=7), inputs)
        assert second.skipped and len(server.log) == n and second.done.root == first.done.root


def test_no_contact_no_fetch(tmp_path):
    with pytest.raises(StageError, match="fetch.contact is empty"):
        execute(FetchStage(), str(tmp_path), Config(), before(tmp_path, URLS[:5]))


CHILD = """
import sys
from pipelines.settings.config import load
from pipelines.stage import Done, execute
from pipelines.stages.fetch import FetchStage
from schemas.manifest import loads_stage
inputs = {n: Done(r, loads_stage(open(r + "/manifest.json", "rb").read(), r)) for n, r in zip(("extract", "dedup"), sys.argv[3:])}
execute(FetchStage(), sys.argv[1], load(sys.argv[2]), inputs)
"""


def finished(root: Path) -> set[str]:
    """URLs with a whole record: in a table of a bucket that is done, or in a journal (its end may be torn by the kill)."""
    out = {u for p in root.glob("stages/fetch/*/urls/*.parquet") for u in pq.read_table(p)["url"].to_pylist()}
    for path in root.glob("stages/fetch/*/journal/*.journal"):
        with open(path, "rb") as f:
            out |= {row["url"] for row, _ in records(f)}
    return out


def test_killed_in_mid_stage_and_run_again(tmp_path, repo):
    urls = [f"http://h{i % 6}.example/{i}" for i in range(150)]
    inputs = before(tmp_path, urls)
    with HostileServer(latency_s=0.02) as server:
        chosen = config(server.address, per_host_delay_s=0.05, total_s=60, connect_s=60)  # a busy machine is no bad host
        storage.write_bytes(str(tmp_path / "c.toml"), dump(chosen).encode())
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(tmp_path / "c.toml"), *(d.root for d in inputs.values())]
        kills: list[tuple[int, set[str]]] = []  # the server's log so far, and what had finished
        for enough in (30, 70):
            child = subprocess.Popen(command, cwd=repo, env={**os.environ, "PYTHONPATH": str(repo)}, start_new_session=True)
            try:
                while len(finished(tmp_path)) < enough and child.poll() is None:
                    time.sleep(0.01)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
            while any(not s.end for s in server.log):  # what was under way at the kill belongs to that run
                time.sleep(0.01)
            kills.append((len(server.log), finished(tmp_path)))
        done = execute(FetchStage(), str(tmp_path), chosen, inputs).done
        for mark, had_finished in kills:
            assert 30 <= len(had_finished) < 150
            assert not {f"http://{s.host}{s.path}" for s in server.log[mark:]} & had_finished
        asked = Counter(f"http://{s.host}{s.path}" for s in server.log if s.path not in OWN_FILES)
        assert max(asked.values()) <= 3  # at most once a run
        assert sum(asked.values()) - len(asked) <= 2 * 6 * chosen.fetch.per_host_connections  # again: only what was under way at a kill
        whole = execute(FetchStage(), str(tmp_path / "other"), chosen, inputs).done
    assert rows(done, TIMES) == rows(whole, TIMES) and len(rows(done)) == 150
    assert blobs(done) == blobs(whole)
    assert not list(tmp_path.glob("stages/fetch/*/journal/*"))


@pytest.mark.parametrize("cut", [1, 30, 1500])
def test_a_torn_end_of_a_journal_is_cut_off_and_the_rest_kept(tmp_path, cut):
    journal = Journal(str(tmp_path / "0000"))
    for i in range(5):
        data = bytes([i]) * 1000
        journal.add({"image_id": str(i), "url": f"u{i}", "sha256": hashlib.sha256(data).hexdigest()}, data)
    journal.close()
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])
    again = Journal(str(tmp_path / "0000"))
    left = [str(i) for i in range(3 if cut > 1000 else 4)]
    assert [r["image_id"] for r in again.rows()] == left and "4" not in again
    for i in range(len(left), 5):
        data = bytes([i]) * 1000
        again.add({"image_id": str(i), "url": f"u{i}", "sha256": hashlib.sha256(data).hexdigest()}, data)
    assert again.body("4") == bytes([4]) * 1000
    again.close()
    assert again.path.read_bytes() == whole


def test_retry_asks_only_for_what_may_pass(tmp_path):
    urls = URLS[:30] + ["http://z.example/status/503", "http://z.example/status/404", "http://late.example/flaky/1"]
    inputs = before(tmp_path, urls)
    with HostileServer() as server:
        chosen = config(server.address, retries=0)
        first = execute(FetchStage(), str(tmp_path), chosen, inputs).done
        current = storage.join(str(tmp_path), layout.STAGE_DIR, layout.CURRENT)
        storage.write_bytes(current, json.dumps({"fetch": first.manifest.digest}).encode())
        mark = len(server.log)
        waiting = retry_failed(str(tmp_path), chosen)
        assert waiting == {"http 503": 2}
        again = carried(str(tmp_path), chosen)
        second = execute(FetchStage(), str(tmp_path), again, inputs).done
        asked = [s.path for s in server.log[mark:] if s.path not in ("/robots.txt", "/.well-known/tdmrep.json")]
        assert sorted(asked) == ["/flaky/1", "/status/503"]
        n = len(server.log)
        assert execute(FetchStage(), str(tmp_path), carried(str(tmp_path), chosen), inputs).skipped and len(server.log) == n
        other = chosen.model_copy(update={"fetch": chosen.fetch.model_copy(update={"max_bytes": 4096})})
        assert carried(str(tmp_path), other) == other  # answers under other settings are not taken over
    old, new = ({r["url"]: r for r in rows(d)} for d in (first, second))
    assert new["http://late.example/flaky/1"]["status"] == "success"
    same = [u for u in old if not u.startswith(("http://late", "http://z.example/status/503"))]
    for u in same:
        assert {**old[u], "blob_offset": 0} == {**new[u], "blob_offset": 0}


def test_archived_images_are_not_asked_for(tmp_path):
    urls = ["http://a.example/1.png", "http://a.example/2.png", "http://a.example/3.png"]
    path, where = tmp_path / "w.warc.gz", []
    with open(path, "wb") as f:
        for u, extra in zip(urls[:2], ("", "X-Robots-Tag: noai\r\n"), strict=True):
            block = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n{extra}\r\n".encode() + BYTES + u.encode()
            head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {u}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
            head += f"WARC-Record-ID: <urn:x:{len(where)}>\r\nContent-Type: application/http\r\nContent-Length: {len(block)}\r\n\r\n"
            start = f.tell()
            f.write(gzip.compress(head.encode() + block + b"\r\n\r\n"))
            where.append((start, f.tell() - start))
    archived = [
        {
            "image_id": image_id(u),
            "url": u,
            "path": str(path),
            "offset": o,
            "length": n,
            "content_type": "image/png",
            "fetched_at": "2024-01-01T00:00:00Z",
        }
        for u, (o, n) in zip(urls, where, strict=False)
    ]
    with HostileServer() as server:
        done = execute(FetchStage(), str(tmp_path), config(server.address), before(tmp_path, urls, archived)).done
        assert [p for p in server.paths() if p.endswith(".png")] == ["/3.png"]
    got = {r["url"]: r for r in rows(done)}
    first = got[urls[0]]
    assert (first["status"], first["address_class"], first["bytes"]) == ("success", "archive", len(BYTES + urls[0].encode()))
    assert (got[urls[1]]["status"], got[urls[1]]["bytes"]) == ("opt-out: noai", 0)
    assert got[urls[2]]["address_class"] == "public"


def test_a_folder_of_img2dataset_is_a_source_and_our_table_a_list_for_it(tmp_path):
    urls = ["http://a.example/1.png", "http://a.example/2.png", "http://a.example/with,comma.png"]
    folder = tmp_path / "i2d"
    folder.mkdir()
    table = {"url": [urls[0], urls[1]], "key": ["000000000", "000000001"], "status": ["success", "failed_to_download"]}
    pq.write_table(pa.table(table), folder / "00000.parquet")
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for name, data in (("000000000.jpg", b"jpeg"), ("000000000.json", b"{}"), ("../000000001.jpg", b"no")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with HostileServer() as server:
        done = execute(FetchStage(), str(tmp_path), config(server.address, img2dataset=str(folder)), before(tmp_path, urls)).done
        assert sorted(p for p in server.paths() if p.endswith(".png")) == ["/2.png", "/with,comma.png"]
    got = {r["url"]: r for r in rows(done)}
    assert (got[urls[0]]["address_class"], got[urls[0]]["bytes"]) == ("img2dataset", 4)
    with pytest.raises(ExportError, match="nothing has been fetched"):
        export(str(tmp_path), str(tmp_path / "out"))
    current = storage.join(str(tmp_path), layout.STAGE_DIR, layout.CURRENT)
    storage.write_bytes(current, json.dumps({"fetch": done.manifest.digest}).encode())
    assert export(str(tmp_path), str(tmp_path / "out")) == {"urls": 3}
    listed = pq.read_table(tmp_path / "out" / "urls.parquet")
    assert set(listed["url"].to_pylist()) == set(urls) and set(listed["weft_status"].to_pylist()) == {"success"}


@pytest.mark.slow  # importing img2dataset takes a dozen seconds
def test_resizing_is_img2dataset_s_and_its_folder_a_source_again(tmp_path):
    pytest.importorskip("img2dataset")
    from PIL import Image

    def picture(width, height):
        out = io.BytesIO()
        Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "PNG")
        return out.getvalue()

    folder = tmp_path / "i2d"
    (folder / "00000").mkdir(parents=True)
    urls = [f"http://a.example/{i}.png" for i in range(4)]
    bodies = [picture(300, 200), picture(40, 90), b"\x89PNG\r\n\x1a\n broken", picture(300, 200)]
    for i, data in enumerate(bodies):
        (folder / "00000" / f"00000000{i}.png").write_bytes(data)
    keys = [f"00000000{i}" for i in range(4)]
    pq.write_table(pa.table({"url": urls, "key": keys, "status": ["success"] * 4}), folder / "00000.parquet")
    chosen = Config.model_validate(
        {"runner": {"workers": 1}, "fetch": {"contact": "https://example.org/crawler", "img2dataset": str(folder)}}
    )
    done = execute(FetchStage(), str(tmp_path), chosen, before(tmp_path, urls)).done
    storage.write_bytes(storage.join(str(tmp_path), layout.STAGE_DIR, layout.CURRENT), json.dumps({"fetch": done.manifest.digest}).encode())
    assert export(str(tmp_path), str(tmp_path / "out"), resize=64, mode="keep_ratio") == {"success": 3, "failed_to_resize": 1}
    table = {r["url"]: r for r in pq.read_table(tmp_path / "out" / "00000.parquet").to_pylist()}
    assert [(table[u]["status"], table[u]["width"], table[u]["height"]) for u in urls] == [
        ("success", 96, 64), ("success", 64, 144), ("failed_to_resize", None, None), ("success", 96, 64)
    ]  # fmt: skip
    assert table[urls[2]]["error_message"] and (table[urls[0]]["original_width"], table[urls[0]]["original_height"]) == (300, 200)
    again = {s.url: s.data for s in stored(str(tmp_path / "out"), set(urls))}
    assert set(again) == {urls[0], urls[1], urls[3]} and again[urls[0]] == again[urls[3]]
    assert Image.open(io.BytesIO(again[urls[0]])).size == (96, 64)
