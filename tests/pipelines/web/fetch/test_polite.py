"""Politeness, judged by the server's own log."""

from __future__ import annotations

import hashlib
import random
from itertools import pairwise

import pytest

from pipelines.web.fetch.answer import is_passing
from pipelines.web.fetch.lane import BUSY
from pipelines.web.fetch.lists import load_lists
from pipelines.web.fetch.politeness import violations
from tests.pipelines.web.fetch.test_hostile import fetch
from tests.support.hostile_server import AGENT, HostileServer, apart

DISALLOW = b"User-agent: *\nDisallow: /private\n"
DELAY = b"User-agent: weft\nCrawl-delay: 0.3\nDisallow: /private\n\nUser-agent: *\nDisallow: /\n"


def robots(host):
    return DELAY if host.startswith("slow") else DISALLOW if host.startswith("rule") else None


def seen(server):
    return [(s.host, s.path, s.begin, s.end) for s in server.log]


def test_no_violation_in_many_requests():
    rng = random.Random(4)
    hosts = [f"{rng.choice(['rule', 'rule', 'free'])}{i}.example" for i in range(240)] + [f"slow{i}.example" for i in range(5)]
    urls = [f"http://{h}/{rng.choice(['a', 'a', 'a', 'private'])}/{i}" for h in hosts for i in range(10 if h[0] != "s" else 5)]
    urls += [f"http://free{i % 3}.example/to/1/http://rule{i % 7}.example/{'private' if i % 2 else 'r'}/{i}" for i in range(60)]
    rng.shuffle(urls)
    with apart({"slow": DELAY.decode(), "rule": DISALLOW.decode()}) as server:
        out = fetch(server, urls, delay_s=0.25, connections=2)
    log = seen(server)
    assert len(out) == len(urls) and len(log) > 2_000
    assert violations(log, robots, AGENT, delay_s=0.25, connections=2, tolerance_s=0.3) == []
    starts: dict[str, list[float]] = {}
    for host, _, begin, _ in log:
        starts.setdefault(host, []).append(begin)
    gaps = {h: [b - server.earliest(a) for a, b in pairwise(sorted(s))] for h, s in starts.items()}  # each gap, at its longest
    assert {h: min(g) for h, g in gaps.items() if g and min(g) < (0.3 if h[0] == "s" else 0.25) - 0.02} == {}
    assert {s.agent for s in server.log} == {AGENT}
    refused = [r for r in out.values() if r.answer.status == "robots.txt disallows"]
    assert refused and all(r.signals[0][0].signal == "robots.txt" and len(r.signals[0][1]) == 64 for r in refused)


def test_the_judge_sees_violations():
    log = [("rule.example", "/robots.txt", 0.0, 0.01), ("rule.example", "/private/x", 1.0, 1.3), ("rule.example", "/b", 1.05, 1.3),
           ("rule.example", "/c", 1.1, 1.3), ("other.example", "/a", 5.0, 5.1)]  # fmt: skip
    found = violations(log, robots, AGENT, delay_s=0.1, connections=2, tolerance_s=0.0)
    assert sorted({v.split(":")[0] for v in found}) == ["connections", "delay", "no robots.txt", "robots"]


@pytest.mark.parametrize(
    ("status", "asked"),
    [(404, True), (403, True), (410, True), (500, False), (503, False), (429, False)],
)
def test_robots_that_fails_follows_rfc_9309(status, asked, monkeypatch):
    with HostileServer() as server:
        answer = server._answer

        async def failing(s, w):
            from tests.support.hostile_server import _send

            return await _send(w, status, b"") if s.path == "/robots.txt" else await answer(s, w)

        server._answer = failing
        (r,) = fetch(server, ["http://a.example/x"]).values()
        assert ("/x" in server.paths()) is asked
        assert r.answer.status == ("success" if asked else f"robots.txt unreachable: http {status}")


def test_a_robots_file_behind_a_redirect_and_one_too_long_are_read():
    long = b"#" * (600 << 10) + b"\n"
    files = {"long.example": DISALLOW + long}
    with HostileServer(robots=files.get) as server:
        out = fetch(server, ["http://long.example/private/a", "http://long.example/b"])
        assert [out[u].answer.status for u in sorted(out)] == ["success", "robots.txt disallows"]


def test_a_busy_host_gets_the_rest_it_asks_for():
    with HostileServer() as server:
        fetch(server, ["http://busy.example/a", "http://busy.example/b"], retries=1, backoff_s=0.01)
        starts = [s.begin for s in server.log if s.path in ("/a", "/b")]
        assert len(starts) == 4 and max(starts) - min(starts) >= 0.9  # Retry-After: 1


def test_supplied_lists_are_asked_first(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("# domains and URLs\nlisted.example\nhttp://b.example/only/this.png\n")
    blocked = load_lists([str(path)])
    with HostileServer() as server:
        urls = ["http://listed.example/a", "http://sub.listed.example/a", "http://unlisted.example/a", "http://b.example/only/this.png",
                "http://b.example/other.png", "http://c.example/to/1/http://listed.example/z"]  # fmt: skip
        out = fetch(server, urls, blocked=blocked)
        assert [out[u].answer.status for u in urls] == ["opt-out: list:mine.txt"] * 2 + ["success", "opt-out: list:mine.txt", "success",
                                                                                        "opt-out: list:mine.txt"]  # fmt: skip
        assert not [s for s in server.log if "listed.example" in s.host and not s.host.startswith("un")]


def test_a_host_shared_with_other_workers_gets_this_worker_s_part_of_its_pace():
    with HostileServer() as server:
        urls = [f"http://own.example/to/1/http://shared.example/{i}" for i in range(3)]
        fetch(server, urls, delay_s=0.1, share=lambda host: 3 if host == "shared.example" else 1)
        starts = sorted(s.begin for s in server.log if s.host == "shared.example")
        assert len(starts) == 5  # robots.txt, tdmrep.json, three pictures
        assert starts[-1] - starts[0] >= 4 * 0.3 - 0.1


def test_what_a_host_reserves_by_its_tdmrep_file_is_not_asked_for():
    rules = b'[{"location": "/free/*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]'
    with HostileServer(tdmrep={"held.example": rules}.get) as server:
        urls = ["http://held.example/free/1", "http://held.example/2", "http://open.example/2"]
        urls.append("http://open.example/to/1/http://held.example/3")  # a redirect leads into the reservation
        out = fetch(server, urls)
        statuses = [out[u].answer.status for u in urls]
        assert statuses == ["success", "opt-out: tdmrep.json", "success", "opt-out: tdmrep.json"]
        assert set(server.paths("held.example")) == {"/robots.txt", "/.well-known/tdmrep.json", "/free/1"}
        ((signal, evidence),) = out[urls[1]].signals
        assert (signal.token, evidence) == ("tdm-reservation", hashlib.sha256(rules).hexdigest())
        assert fetch(server, urls[1:2], tokens=frozenset())[urls[1]].answer.status == "success"  # only if the configuration obeys it


def test_a_host_that_only_says_429_is_left_alone():
    with HostileServer() as server:
        out = fetch(server, [f"http://busy.example/{i}" for i in range(30)], retries=1, backoff_s=0.01, backoff_cap_s=0.05)
        statuses = [r.answer.status for r in out.values()]
        assert len(statuses) == 30 and set(statuses) == {"http 429", "host busy"}
        assert sum(s.path[1:].isdigit() for s in server.log) <= BUSY + 1  # and one that was under way
        assert all(is_passing(s) for s in statuses)
