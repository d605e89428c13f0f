"""The transport's own HTTP: framing, connections kept and lost, TLS, a declared proxy, names. Judged through real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
import time

import pytest

from pipelines.web.fetch.answer import STALE, Bounds
from pipelines.web.fetch.body import IN_MEMORY, Body
from pipelines.web.fetch.resolve import SystemResolver
from pipelines.web.fetch.transport import HttpTransport, target_of
from tests.pipelines.web.fetch.test_hostile import AGENT, fetch
from tests.support.hostile_server import IMAGE, HostileServer

BOUNDS = Bounds(max_bytes=1 << 20, total_s=3, connect_s=2, rate_grace_s=0.5)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"

# what a server sends -> (status, body or detail); %s stands for the body's length
ANSWERS = {
    "plain": (OK + b"Content-Length: 3\r\n\r\nabc", "success", b"abc"),
    "bare-line-feeds": (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "success", b"abc"),
    "old": (b"HTTP/1.0 200 OK\r\n\r\nabc", "success", b"abc"),  # ends with the connection
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX-Trailer: 1\r\n\r\n", "success", b"abc"),
    "early-hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + OK + b"Content-Length: 3\r\n\r\nabc", "success", b"abc"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", "empty", b""),
    "not-modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "http 304", b""),
    "redirect-nowhere": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "http 302", b""),
    "redirect-bad": (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", "bad response", b""),
    "short-chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "truncated body", b""),
    "two-lengths": (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "bad response", b""),
    "length-and-chunks": (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "bad response", b""),
    "chunks-and-length": (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "bad response", b""),
    "negative-length": (OK + b"Content-Length: -3\r\n\r\nabc", "bad response", b""),
    "plus-length": (OK + b"Content-Length: +3\r\n\r\nabc", "bad response", b""),
    "huge-chunk-size": (OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc", "bad response", b""),
    "space-before-colon": (OK + b"Content-Length : 3\r\n\r\nabc", "bad response", b""),
    "another-protocol": (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nabc", "bad response", b""),
    "hints-for-ever": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 4000, "bad response", b""),
    "header-of-9k": (OK + b"X-Long: " + b"a" * 9_000 + b"\r\n\r\n", "bad response", b""),
    "head-of-66k": (OK + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 6_000) for i in range(11)) + b"\r\n", "bad response", b""),
    "head-of-60k": (OK + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 6_000) for i in range(10)) + b"Content-Length: 1\r\n\r\na", "success", b"a"),
    "129-headers": (OK + b"X: 1\r\n" * 129 + b"\r\n", "bad response", b""),
    "no-http": (b"SSH-2.0-OpenSSH_9\r\n", "bad response", b""),
    "closes": (b"", "connection reset", b""),
    "closes-in-head": (OK, "connection reset", b""),
}  # fmt: skip


class Raw(HostileServer):
    """/raw/<name>: those bytes, then the end; /slowly/<name>: a byte at a time; /pair: an answer, and one nobody asked for behind it."""

    async def _do_raw(self, seen, w):
        w.write(ANSWERS[seen.path.split("/")[2]][0])
        await w.drain()
        return False

    async def _do_slowly(self, seen, w):
        for byte in ANSWERS[seen.path.split("/")[2]][0]:
            w.write(bytes([byte]))
            await w.drain()
            await asyncio.sleep(0)
        return False

    async def _do_pair(self, seen, w):
        first = OK + b"Content-Length: 5\r\n\r\nfirst"
        w.write(first + OK + b"Content-Length: 6\r\n\r\npoison")
        await w.drain()
        return True

    async def _do_late_pair(self, seen, w):
        w.write(OK + b"Content-Length: 5\r\n\r\nfirst")
        await w.drain()
        await asyncio.sleep(0.1)
        w.write(OK + b"Content-Length: 6\r\n\r\npoison")
        return True

    async def _do_once(self, seen, w):
        """An answer, then the connection is closed as soon as the next request comes on it: a kept connection that is stale."""
        await self._do_ok(seen, w)
        self.closing = getattr(self, "closing", set()) | {w}
        return True

    async def _do_ok(self, seen, w):
        w.write(OK + b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE)
        await w.drain()
        return True

    async def _answer(self, seen, w):
        if w in getattr(self, "closing", ()):
            return False
        return await super()._answer(seen, w)

    async def _do_stalls(self, seen, w):
        w.write(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 100)
        await w.drain()
        await asyncio.sleep(30)
        return False

    async def _do_mute(self, seen, w):
        await asyncio.sleep(30)
        return False


def ask(server, *urls, bounds=BOUNDS, pause=0.0, **options):
    """The answers to URLs asked for one after another through one transport."""

    async def main():
        transport = HttpTransport(AGENT, bounds, {"*": server.address}, **options)
        out = []
        try:
            for url in urls:
                out.append(await transport.get(url))
                await asyncio.sleep(pause)
            return out
        finally:
            await transport.close()

    return asyncio.run(main())


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
        urls = [f"http://{h}/{i}" for i, h in enumerate(("bücher.example", "xn--bcher-kva.example", "BÜCHER.example.", "XN--BCHER-KVA.example"))]
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


# TLS and proxies


def authority(folder, name="a.example"):
    """A certificate for a name that a client trusts which is told to."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
               "-keyout", str(key), "-out", str(cert)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return cert


class Secure(Raw):
    """Raw over TLS, with a certificate of its own."""

    async def _main(self, ready):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate / "cert.pem", self.certificate / "key.pem")
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()


@pytest.fixture
def secure(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(tmp_path)))
    with Secure(certificate=tmp_path) as server:
        yield server


def test_https_with_a_certificate_that_is_trusted_and_for_that_name(secure):
    fine, again, other = ask(secure, "https://a.example/ok", "https://a.example/raw/chunks", "https://b.example/ok")
    assert (fine.status, fine.body, again.body, other.status) == ("success", IMAGE, b"abc", "tls failure")
    assert {s.host for s in secure.log} == {"a.example"}


def test_https_never_falls_back_to_http(secure):
    (answer,) = ask(secure, "https://a.example/to/1/http://a.example/x")
    assert answer.status == "redirect from https to http" and secure.paths() == ["/to/1/http://a.example/x"]


class Proxy:
    """Serves absolute URLs itself and tunnels CONNECT to one address. `heads`: what it was asked."""

    def __init__(self, upstream: str, verdict: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"):
        self.upstream, self.verdict, self.heads = upstream.rpartition(":"), verdict, []

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://me:secret%21@127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def _client(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := client.recv(4096)):
                return
            head += piece
        self.heads.append(head.decode())
        if not head.startswith(b"CONNECT"):
            client.sendall(OK + b"Content-Length: 3\r\n\r\nabc")
            return client.close()
        client.sendall(self.verdict)
        if b" 200 " not in self.verdict:
            return client.close()
        try:
            up = socket.create_connection((self.upstream[0], int(self.upstream[2])))
        except OSError:
            return client.close()
        for a, b in ((client, up), (up, client)):
            threading.Thread(target=_pump, args=(a, b), daemon=True).start()


def _pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    finally:
        b.close()


def test_a_declared_proxy_carries_everything(secure):
    async def main(proxy):
        transport = HttpTransport(AGENT, BOUNDS, proxy=proxy.url)
        try:
            return [await transport.get(u) for u in ("http://a.example/x?y", "https://a.example/ok", "http://127.0.0.1/x", "https://10.0.0.1/")]
        finally:
            await transport.close()

    with Proxy(secure.address) as proxy:
        plain, tls, *denied = asyncio.run(main(proxy))
    assert (plain.body, tls.body) == (b"abc", IMAGE)
    assert [a.status for a in denied] == ["address denied: loopback", "address denied: private"]
    http, connect = proxy.heads
    assert http.startswith("GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\n") and connect.startswith("CONNECT a.example:443 HTTP/1.1\r\n")
    assert all("Proxy-Authorization: Basic bWU6c2VjcmV0IQ==\r\n" in h for h in proxy.heads)  # me:secret!
    assert secure.paths() == ["/ok"]


@pytest.mark.parametrize("verdict", [b"HTTP/1.1 403 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nsurprise", b"", b"x" * 20_000])
def test_a_proxy_that_will_not(verdict):
    async def main(proxy):
        transport = HttpTransport(AGENT, BOUNDS, proxy=proxy.url)
        answer = await transport.get("https://a.example/ok")
        await transport.close()
        return answer.status

    with Proxy("127.0.0.1:9", verdict) as proxy:
        assert asyncio.run(main(proxy)) in ("connection refused", "connection reset")


# names


def test_names_are_looked_up_once_together_and_failures_again(monkeypatch):
    asked = []

    def getaddrinfo(host, *args, **kw):
        asked.append(host)
        if host.startswith("slow"):
            time.sleep(0.4)
        if host.startswith("gone"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def main():
        resolver = SystemResolver(32)
        began = time.monotonic()
        slow = [asyncio.create_task(resolver.resolve(f"slow{i}.example", 80)) for i in range(20)]
        assert await asyncio.gather(*(resolver.resolve("a.example", p) for p in (80, 443))) == [[("192.0.2.1", 80)], [("192.0.2.1", 443)]]
        quick = time.monotonic() - began
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await resolver.resolve("gone.example", 80)
        await asyncio.gather(*slow)
        resolver.close()
        return quick

    quick = asyncio.run(main())
    assert quick < 0.35  # the slow ones were under way
    assert (asked.count("a.example"), asked.count("gone.example"), asked.count("slow3.example")) == (1, 2, 1)
