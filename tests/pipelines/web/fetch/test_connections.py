"""The transport's own HTTP: framing, connections kept and lost. Judged through real sockets."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipelines.web.fetch.answer import STALE, Bounds
from pipelines.web.fetch.body import IN_MEMORY, Body
from pipelines.web.fetch.transport import HttpTransport, target_of
from tests.pipelines.web.fetch.test_hostile import fetch
from tests.support.hostile_server import AGENT, IMAGE, HostileServer
from tests.support.raw_server import ANSWERS, BOUNDS, Raw, ask


@pytest.fixture(scope="module")
def raw():
    with Raw() as server:
        yield server


@pytest.mark.parametrize("name", ANSWERS)
def test_what_servers_send(raw, name):
    _, status, body = ANSWERS[name]
    (answer,) = ask(raw, f"http://a.example/raw/{name}")
    assert (answer.status, answer.body) == (status, body), answer.detail


@pytest.mark.parametrize("name", [n for n, (sent, *_) in ANSWERS.items() if 0 < len(sent) < 500])
def test_the_same_in_pieces_of_a_byte(raw, name):
    _, status, body = ANSWERS[name]
    (answer,) = ask(raw, f"http://a.example/slowly/{name}")
    assert (answer.status, answer.body) == (status, body), answer.detail


@pytest.mark.parametrize(("path", "pause"), [("pair", 0.0), ("pair", 0.3), ("late-pair", 0.3)])
def test_what_nobody_asked_for_answers_no_later_request(raw, path, pause):
    for _ in range(2):
        answers = ask(raw, f"http://a.example/{path}", "http://a.example/ok", f"http://a.example/{path}", pause=pause)
        assert [a.body for a in answers if a.status == "success"] == [b"first", IMAGE, b"first"], [a.status for a in answers]


def test_connections_are_kept_and_one_that_was_closed_is_no_answer():
    with Raw() as server:
        assert {a.status for a in ask(server, *(f"http://a.example/ok/{i}" for i in range(5)))} == {"success"}
        assert server.connections == 1
        first, second = ask(server, "http://a.example/once", "http://a.example/ok")
        assert (first.status, second.status) == ("success", STALE)


def test_a_stale_connection_costs_no_attempt_and_keeps_the_pace():
    with Raw() as server:
        out = fetch(server, [f"http://a.example/once/{i}" for i in range(6)], delay_s=0.1, connections=1, tokens=frozenset())
        assert {r.answer.status for r in out.values()} == {"success"} and {r.attempts for r in out.values()} == {1}
        starts = sorted(s.begin for s in server.log)
        assert min(b - a for a, b in zip(starts, starts[1:], strict=False)) >= 0.08


def test_never_more_connections_to_a_host_than_allowed():
    """Idle ones count; http and https, or two ports, of a host are one host."""

    async def main(server):
        transport = HttpTransport(AGENT, BOUNDS, {"*": server.address}, per_host=2)
        b = Bounds(total_s=3, ports=(80, 81, 82))
        urls = [f"http://a.example:{port}/ok/{i}" for i in range(6) for port in (80, 81, 82)]
        answers = await asyncio.gather(*(transport.get(u, b) for u in urls))
        most = max(transport.pool._open.values())
        await transport.close()
        await asyncio.sleep(0.05)
        return answers, most, dict(transport.pool._open)

    with Raw(latency_s=0.02) as server:
        answers, most, left = asyncio.run(main(server))
        assert {a.status for a in answers} == {"success"} and most <= 2 and left == {}


def test_who_waits_for_a_connection_and_is_given_up_holds_up_nobody():
    async def main(server):
        transport = HttpTransport(AGENT, BOUNDS, {"*": server.address}, per_host=1)
        mute = asyncio.create_task(transport.get("http://a.example/mute"))
        await asyncio.sleep(0.1)
        waiting = [asyncio.create_task(transport.get(f"http://a.example/ok/{i}")) for i in range(4)]
        await asyncio.sleep(0.1)
        waiting[0].cancel()
        mute.cancel()
        answers = await asyncio.wait_for(asyncio.gather(*waiting[1:]), 2)
        await transport.close()
        return answers

    with Raw() as server:
        assert {a.status for a in asyncio.run(main(server))} == {"success"}


def test_deadlines_and_rates_are_met_by_one_timer(raw):
    async def main():
        transport = HttpTransport(AGENT, BOUNDS, {"*": raw.address})
        began = time.monotonic()

        async def one(url):
            answer = await transport.get(url)
            return url.split("/")[-1], answer.status, time.monotonic() - began

        out = await asyncio.gather(one("http://a.example/stalls"), one("http://b.example/mute"), one("http://silent.example/x"))
        await transport.close()
        return out

    for name, status, took in asyncio.run(main()):
        assert status == ("too slow" if name == "stalls" else "timeout") and took <= BOUNDS.total_s + 1


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://a.example", "/"), ("http://a.example?q=1", "/?q=1"), ("http://a.example/a#b", "/a"), ("http://a.example/a b", "/a%20b"),
        ("http://a.example/\r\nHost: x\r\n\r\nGET /", "/%0D%0AHost:%20x%0D%0A%0D%0AGET%20/"), ("http://a.example/é?ü", "/%C3%A9?%C3%BC"),
        ("http://a.example/%20%zz\"<>", "/%20%zz%22%3C%3E"), ("http://u:p@a.example/x", "/x"), ("http://a.example/\udce9", "/%E9"),
    ],
)  # fmt: skip
def test_request_targets(url, sent):
    assert target_of(url) == sent


def test_a_name_has_one_form_whatever_the_spelling():
    with HostileServer() as server:
        urls = [
            f"http://{h}/{i}" for i, h in enumerate(("bücher.example", "xn--bcher-kva.example", "BÜCHER.example.", "XN--BCHER-KVA.example"))
        ]
        out = fetch(server, urls, delay_s=0.1)
        assert {r.answer.status for r in out.values()} == {"success"}
        assert {s.host for s in server.log} == {"xn--bcher-kva.example"}  # one lane, one robots.txt, one pace
        starts = sorted(s.begin for s in server.log)
        assert server.paths().count("/robots.txt") <= 4 and min(b - a for a, b in zip(starts, starts[1:], strict=False)) >= 0.08


def test_a_body_in_pieces_of_a_byte_takes_no_object_a_byte():
    body = Body()
    for i in range(3 * IN_MEMORY // 2):
        body.add(b"%d" % (i % 10))
    assert body._disk is not None and len(body.take()) == 3 * IN_MEMORY // 2 and body.take() == b""
