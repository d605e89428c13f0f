"""What leads out of its bucket is handed on: no host is ever asked by two workers, and every URL has one row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest

from pipelines import storage
from pipelines.retry import carried, retry_failed
from pipelines.settings.config import dump
from pipelines.stage import execute
from pipelines.stages.fetch import FetchStage
from pipelines.web.fetch.hot import Files, Lanes, Place
from pipelines.web.fetch.moved import parts_of
from pipelines.web.fetch.politeness import OWN_FILES, violations
from schemas import layout
from schemas.ids import bucket_of
from tests.pipelines.stages.test_fetch import CHILD, before, blobs, config, finished, rows
from tests.support.hostile_server import HostileServer, _send, apart

TIMES = ("seconds", "fetched_at")


def split(address: str, workers: int = 2, **fetch):
    chosen = config(address, urls_per_bucket=20, **fetch)
    return chosen.model_copy(update={"runner": chosen.runner.model_copy(update={"workers": workers})})


def far(bucket: int, buckets: int = 4) -> str:
    """A host of another bucket."""
    return next(h for i in range(99) if bucket_of(h := f"far{i}.example", buckets) != bucket)


HOME = "home.example"
OTHER = far(bucket_of(HOME, 4))
URLS = [f"http://{HOME}/to/1/http://{OTHER}/{i}" for i in range(6)] + [f"http://{HOME}/{i}" for i in range(6)]
URLS += [f"http://{OTHER}/own/{i}" for i in range(6)] + [f"http://h{i}.example/{i}" for i in range(60)]
URLS += [f"http://{HOME}/to/2/http://{OTHER}/status/503", f"http://{HOME}/to/1/http://{HOME}/near"]


def test_a_host_is_never_asked_by_two_workers(tmp_path):
    delay = 0.2
    with apart({}) as server:
        done = execute(FetchStage(), str(tmp_path), split(server.address, per_host_delay_s=delay, retries=0), before(tmp_path, URLS)).done
    log = [(s.host, s.path, s.begin, s.end) for s in server.log]
    assert violations(log, lambda h: None, "weft/0.1", delay, 2, tolerance_s=0.15) == []
    for host in (HOME, OTHER):
        starts = sorted(s.begin for s in server.log if s.host == host)
        assert min(b - server.earliest(a) for a, b in zip(starts, starts[1:], strict=False)) >= delay - 0.02
    asked = Counter((s.host, s.path) for s in server.log if s.path not in OWN_FILES)
    assert max(asked.values()) == 1
    got = {r["url"]: r for r in rows(done)}
    assert set(got) == set(URLS) and done.manifest.counts["image_urls"].entered == len(URLS)
    led = got[URLS[0]]
    assert (led["status"], led["redirects"], led["bucket"], led["host"], led["attempts"]) == ("success", 1, "m0000", HOME, 1)
    assert led["final_url"] == f"http://{OTHER}/0" and led["seconds"] > 0
    assert got[f"http://{HOME}/to/1/http://{HOME}/near"]["bucket"] != "m0000"
    assert got[URLS[-2]]["status"] == "http 503" and got[URLS[-2]]["redirects"] == 2


@pytest.mark.parametrize("status", [200, 404])
def test_a_robots_file_that_leads_to_another_worker_s_host_takes_its_urls_there(tmp_path, status):
    with HostileServer() as server:
        answer = server._answer

        async def led(s, w):
            if s.path == "/robots.txt" and s.host == HOME:
                return await _send(w, 301, b"", {"Location": f"http://{OTHER}/robots.txt"})
            if s.path == "/robots.txt" and s.host == OTHER and status == 200:
                return await _send(w, 200, b"User-agent: *\nDisallow: /own/\n")
            return await answer(s, w)

        server._answer = led
        done = execute(FetchStage(), str(tmp_path), split(server.address, retries=0), before(tmp_path, URLS)).done
        got = {r["url"]: r for r in rows(done)}
        assert {got[f"http://{HOME}/{i}"]["bucket"] for i in range(6)} == {"m0000"}
        assert {got[f"http://{HOME}/{i}"]["status"] for i in range(6)} == {"success"}
        assert len(got) == len(URLS)
        own = {got[f"http://{OTHER}/own/{i}"]["status"] for i in range(6)}
        assert own == ({"robots.txt disallows"} if status == 200 else {"success"})


def test_the_same_whoever_fetches_and_a_retry_takes_the_handed_on_over(tmp_path):
    with HostileServer() as server:
        runs = []
        for n in (1, 2):
            chosen, root = split(server.address, n, retries=0), str(tmp_path / str(n))
            runs.append(execute(FetchStage(), root, chosen, before(tmp_path / str(n), URLS)).done)
        assert rows(runs[0], TIMES) == rows(runs[1], TIMES) and blobs(runs[0]) == blobs(runs[1])
        current = storage.join(root, layout.STAGE_DIR, layout.CURRENT)
        storage.write_bytes(current, json.dumps({"fetch": runs[1].manifest.digest}).encode())
        assert retry_failed(root, chosen) == {"http 503": 1}
        mark = len(server.log)
        again = execute(FetchStage(), root, carried(root, chosen), before(tmp_path / "2", URLS)).done
        asked = [s.path for s in server.log[mark:] if s.path not in OWN_FILES]
        assert asked == ["/status/503"]
    assert rows(again, TIMES) == rows(runs[1], TIMES) and blobs(again) == blobs(runs[1])
    assert {p.rows for p in again.manifest.tables["moved"]} != {0} and pq.read_table(again.paths("moved")[0]).column_names[0] == "image_id"


def test_whose_host_it_is():
    lanes = Lanes(16, {"hot.example": 2})
    first = Place(lanes, bucket_of("hot.example", 16), Files())
    assert not first.elsewhere("hot.example") and first.turns("hot.example").lane == 0
    assert Place(lanes, (first.part + 2) % 16, Files()).elsewhere("hot.example")
    assert parts_of(1) == () and parts_of(4) == ("m0000",) and parts_of(16) == ("m0000", "m0001")
    moved = [Place(lanes, p, Files(), None, 2, 8) for p in (0, 1)]
    assert sorted(m.share("any.example") for m in moved) == [1, 2] and not any(
        m.elsewhere("hot.example") or m.turns("hot.example") for m in moved
    )


@pytest.mark.slow
def test_killed_with_lanes_and_handed_on_urls_and_run_again(tmp_path, repo):
    """Two workers, a hot host in two lanes, a third of the URLs handed on: killed twice."""
    urls = [f"http://hot.example/{i}" for i in range(60)] + [f"http://h{i % 5}.example/{i}" for i in range(40)]
    urls += [f"http://h{i % 5}.example/to/1/http://h{(i + 1) % 5}.example/led/{i}" for i in range(50)]
    inputs = before(tmp_path, urls)
    with HostileServer(latency_s=0.02) as server:
        chosen = split(server.address, per_host_delay_s=0.02, hot_host_urls=30, total_s=60, connect_s=60)
        storage.write_bytes(str(tmp_path / "c.toml"), dump(chosen).encode())
        command = [sys.executable, "-c", CHILD, str(tmp_path), str(tmp_path / "c.toml"), *(d.root for d in inputs.values())]
        kills = []
        for enough in (30, 110):
            child = subprocess.Popen(command, cwd=repo, env={**os.environ, "PYTHONPATH": str(repo)}, start_new_session=True)
            try:
                while len(finished(tmp_path)) < enough and child.poll() is None:
                    time.sleep(0.05)
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
            time.sleep(0.5)  # its workers die with it
            while any(not s.end for s in server.log):
                time.sleep(0.01)
            kills.append((len(server.log), finished(tmp_path)))
        done = execute(FetchStage(), str(tmp_path), chosen, inputs).done
        for mark, had_finished in kills:
            assert not {f"http://{s.host}{s.path}" for s in server.log[mark:]} & had_finished
        alone = chosen.model_copy(update={"runner": chosen.runner.model_copy(update={"workers": 1})})
        whole = execute(FetchStage(), str(tmp_path / "other"), alone, inputs).done
    assert done.manifest.facts["lanes"] == {"hot.example": 2} and len(rows(done)) == len(urls)
    assert rows(done, TIMES) == rows(whole, TIMES) and blobs(done) == blobs(whole)
