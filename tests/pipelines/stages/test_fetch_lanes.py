"""A hot host carried by two worker processes: its limits hold all the same, by the server's own log."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.settings.config import Config
from pipelines.stage import StageError, execute
from pipelines.stages.fetch import FetchStage
from pipelines.web.fetch.politeness import OWN_FILES, violations
from tests.pipelines.stages.test_fetch import before, blobs, config, rows
from tests.support.hostile_server import HostileServer, apart

HOT = [f"http://hot.example/{i}" for i in range(36)]
URLS = [*HOT, *(f"http://h{i % 12}.example/{i}" for i in range(36)), *(f"http://slow.example/{i}" for i in range(8))]
CRAWL = "User-agent: *\nCrawl-delay: 0.6\nDisallow: /private\n"


def split(address: str, workers: int = 2, **fetch) -> Config:
    chosen = config(address, urls_per_bucket=20, hot_host_urls=6, **fetch)
    return chosen.model_copy(update={"runner": chosen.runner.model_copy(update={"workers": workers})})


def test_two_workers_share_a_hot_host_within_its_limits(tmp_path):
    delay = 0.25
    with apart({"slow": CRAWL}) as server:
        done = execute(FetchStage(), str(tmp_path), split(server.address, per_host_delay_s=delay), before(tmp_path, URLS)).done
    assert done.manifest.facts["lanes"] == {"hot.example": 2, "slow.example": 2}
    log = [(s.host, s.path, s.begin, s.end) for s in server.log]
    assert violations(log, lambda h: CRAWL.encode() if h.startswith("slow") else None, "weft/0.1", delay, 2, tolerance_s=0.2) == []
    for host, wanted in (("hot.example", delay), ("slow.example", 0.6)):
        starts = sorted(s.begin for s in server.log if s.host == host)
        gaps = [b - server.earliest(a) for a, b in zip(starts, starts[1:], strict=False)]
        assert min(gaps) >= wanted - 0.02, gaps
    asked = Counter((s.host, s.path) for s in server.log)
    assert max(asked.values()) == 1  # the hot host's robots.txt too: its lanes know it from the table
    got = rows(done)
    assert len(got) == len(URLS) and {r["status"] for r in got} == {"success"}
    carrying = {r["url"]: r["bucket"] for r in got if r["host"] == "hot.example"}
    assert len(set(carrying.values())) == 2 and min(Counter(carrying.values()).values()) >= 8


def test_lanes_do_not_depend_on_who_fetches(tmp_path):
    with HostileServer() as server:
        a, b = (
            execute(FetchStage(), str(tmp_path / str(n)), split(server.address, n), before(tmp_path / str(n), URLS)).done for n in (1, 2)
        )
    assert rows(a, ("seconds", "fetched_at")) == rows(b, ("seconds", "fetched_at")) and blobs(a) == blobs(b)


def test_a_429_that_one_lane_hears_rests_the_other(tmp_path):
    """Every request to the host is answered 429 with Retry-After: 1: between two of them lies a second, whatever the lane."""
    urls = [f"http://busy.example/{i}" for i in range(12)] + [f"http://h{i}.example/{i}" for i in range(70)]
    with apart({}) as server:
        execute(FetchStage(), str(tmp_path), split(server.address, per_host_delay_s=0.1, retries=0), before(tmp_path, urls))
    starts = sorted(s.begin for s in server.log if s.host == "busy.example" and s.path not in OWN_FILES)
    gaps = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    assert len(starts) >= 8 and sum(g < 0.95 for g in gaps) <= 1, gaps  # one may have been under way when the first was heard


def test_fewer_connections_than_lanes_is_an_error_that_says_what_to_do(tmp_path):
    with HostileServer() as server:
        inputs = before(tmp_path, URLS)
        done = execute(FetchStage(), str(tmp_path), split(server.address), inputs).done
        Path(done.root, "manifest.json").unlink()
        for receipt in Path(done.root, "parts", "bucket").glob("*.json"):
            receipt.unlink()
        with pytest.raises(StageError, match="per_host_connections = 1, but this fetch began with 2"):
            execute(FetchStage(), str(tmp_path), split(server.address, per_host_connections=1), inputs)
    assert pq.read_table(next(Path(done.root, "hosts").glob("*.parquet"))).column_names == ["host", "urls"]
