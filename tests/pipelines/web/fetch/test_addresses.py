"""No forbidden address is ever dialled, however it is written, resolved or redirected to: judged by a real listener."""

from __future__ import annotations

import asyncio
import socket

import pytest

from pipelines.web.fetch.addresses import PUBLIC, classify
from pipelines.web.fetch.answer import Bounds
from pipelines.web.fetch.engine import fetch_all
from pipelines.web.fetch.policy import Policy
from pipelines.web.fetch.transport import HttpTransport
from tests.support.hostile_server import HostileServer

FORBIDDEN = {
    "127.0.0.1": "loopback", "127.255.255.254": "loopback", "0.0.0.0": "this network", "0.1.2.3": "this network", "10.0.0.1": "private",
    "10.255.255.255": "private", "172.16.0.1": "private", "172.31.255.255": "private", "192.168.0.1": "private",
    "169.254.169.254": "link-local", "169.254.170.2": "link-local", "100.64.0.1": "carrier NAT", "100.100.100.200": "carrier NAT",
    "100.127.255.255": "carrier NAT", "168.63.129.16": "cloud metadata", "192.0.0.8": "special", "192.0.0.192": "special",
    "192.0.2.1": "documentation", "192.88.99.1": "6to4 relay", "198.18.0.1": "benchmarking", "198.51.100.7": "documentation",
    "203.0.113.9": "documentation", "224.0.0.1": "multicast", "239.255.255.250": "multicast", "240.0.0.1": "reserved",
    "255.255.255.255": "reserved", "::": "unspecified", "::1": "loopback", "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "link-local", "::ffff:10.0.0.1": "private", "::127.0.0.1": "loopback",
    "::ffff:0:7f00:1": "not global unicast",
    "64:ff9b::127.0.0.1": "loopback", "64:ff9b::a9fe:a9fe": "link-local", "64:ff9b:1::10.0.0.1": "private", "2002:7f00:1::": "loopback",
    "2002:a9fe:a9fe::1": "link-local", "2002:c0a8:1::": "private", "2001:0:7f00:1::": "special", "2001:db8::1": "documentation",
    "2001:10::1": "special", "3fff::1": "documentation", "5f00::1": "segment routing", "fc00::1": "private", "fd00:ec2::254": "private",
    "fd12:3456::1": "private", "fe80::1": "link-local", "fe80::1%eth0": "link-local", "fec0::1": "site-local", "ff02::1": "multicast",
    "ff0e::1": "multicast", "100::1": "discard", "4000::1": "not global unicast", "localhost": "not an address",
}  # fmt: skip
SPELLINGS = (  # of 127.0.0.1 and 169.254.169.254, as getaddrinfo takes them
    "127.1", "127.0.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "①②⑦.⓪.⓪.①", "１２７.0.0.1",
    "127。0。0。1", "169.254.43518", "0xa9fea9fe", "2852039166", "0", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::]",
    "localhost", "LOCALHOST.",
)  # fmt: skip
FINE = ("93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1")
AGENT = "weft/0.1 (+https://example.org/crawler)"


@pytest.mark.parametrize(("address", "kind"), FORBIDDEN.items())
def test_forbidden(address, kind):
    assert classify(address) == kind


@pytest.mark.parametrize("address", FINE)
def test_public(address):
    assert classify(address) == PUBLIC


def test_the_table_is_long_enough():
    assert len(FORBIDDEN) + len(SPELLINGS) >= 60


class Listener:
    """Accepts and counts on all loopback addresses, IPv4 and IPv6."""

    def __enter__(self):
        self.v4 = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.v4.getsockname()[1]
        self.all = [self.v4]
        if socket.has_ipv6:
            try:
                self.all.append(socket.create_server(("::1", self.port), family=socket.AF_INET6, backlog=64))
            except OSError:
                pass
        for s in self.all:
            s.setblocking(False)
        return self

    def __exit__(self, *_):
        for s in self.all:
            s.close()

    @property
    def connections(self) -> int:
        n = 0
        for s in self.all:
            try:
                while True:
                    s.accept()[0].close()
                    n += 1
            except BlockingIOError:
                pass
        return n


def run(urls, ports, resolve=None, resolver=None):
    async def main():
        bounds = Bounds(total_s=5, connect_s=2, ports=ports)
        transport = HttpTransport(AGENT, bounds, resolve, resolver=resolver)
        out = {}
        policy = Policy(AGENT, delay_s=0, retries=0)
        await fetch_all([(u, u) for u in urls], transport, bounds, policy, lambda r: out.__setitem__(r.url, r.answer))
        await transport.close()
        return out

    return asyncio.run(main())


def test_a_listener_hears_nothing_of_any_spelling():
    with Listener() as listener:
        assert socket.create_connection(("127.0.0.1", listener.port)) and listener.connections == 1  # it does hear
        hosts = [f"[{a}]" if ":" in a else a for a in FORBIDDEN] + list(SPELLINGS)
        urls = [f"http://{h.replace('%eth0', '')}:{listener.port}/latest/meta-data" for h in hosts]
        local = f"127.0.0.1:{listener.port}"
        urls += [f"http://user:pass@{local}/", f"http://{local}#@example.org/", f"http:////{local}/"]
        out = run(urls, (listener.port,))
        assert listener.connections == 0
        assert len(out) == len(set(urls))
        fine = ("address denied", "bad url", "dns failure", "robots.txt unreachable: address denied", "robots.txt unreachable: dns")
        assert {u: a.status for u, a in out.items() if not a.status.startswith(fine)} == {}


OTHER = ("file:///etc/passwd", "ftp://a.example/x", "gopher://a.example/", "data:image/png;base64,AAAA", "//x/y", "x", "")


@pytest.mark.parametrize("url", OTHER)
def test_only_http(url):
    with Listener() as listener:
        (answer,) = run([url], (listener.port,)).values()
        assert answer.status.startswith(("scheme denied", "bad url")) and listener.connections == 0


@pytest.mark.parametrize("hops", [1, 2, 3, 4, 5])
def test_redirects_to_forbidden_addresses_at_every_hop(hops):
    with Listener() as victim, HostileServer() as server:
        targets = [f"http://{h}:{victim.port}/" for h in ("127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0")]
        targets += [f"http://{server.address}/ok", "file:///etc/passwd", "http://a.example:22/"]
        urls = [f"http://h{i}.example/to/{hops}/{t}" for i, t in enumerate(targets)]
        out = run(urls, (80, victim.port, server.port), {"*": server.address})
        assert victim.connections == 0
        denied = ("address denied", "scheme denied", "port denied")
        assert {u: a.status for u, a in out.items() if not a.status.startswith(denied)} == {}
        assert "/ok" not in server.paths()


class Rebinding:
    """The first answer is public (played by the server), each later one the victim's."""

    def __init__(self, first: tuple[str, int], then: list[tuple[str, int]]):
        self.answers = [[first], then]
        self.asked = 0

    async def resolve(self, host, port):
        now = self.answers[min(self.asked, 1)]
        self.asked += 1
        return now

    def close(self):
        pass


@pytest.mark.parametrize("then", [["127.0.0.1"], ["::1"], ["127.0.0.1", "::1"], ["169.254.169.254"]])
def test_a_name_that_turns_private_is_not_dialled(then):
    with Listener() as victim, HostileServer() as server:
        resolver = Rebinding(("127.0.0.1", server.port), [(ip, victim.port) for ip in then])
        # redirects between two names make a second look-up
        out = run(["http://a.example/to/1/http://b.example/x"], (80,), {"a.example": server.address}, resolver)
        assert resolver.asked >= 2 and victim.connections == 0
        assert next(iter(out.values())).status.startswith("address denied")


def test_a_public_name_among_private_answers_is_used_without_touching_the_private_ones():
    with Listener() as victim, HostileServer() as server:
        mixed = [("127.0.0.1", victim.port), ("::1", victim.port), ("127.0.0.1", server.port)]
        resolver = Rebinding(mixed[2], mixed)
        resolver.asked = 1
        out = run(["http://a.example/x"], (80,), {"a.example": server.address}, resolver)
        assert next(iter(out.values())).status == "success" and victim.connections == 0


def test_the_environment_is_not_asked_for_a_proxy(monkeypatch):
    with Listener() as victim, HostileServer() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{victim.port}")
        out = run(["http://a.example/x"], (80,), {"*": server.address})
        assert next(iter(out.values())).status == "success" and victim.connections == 0
