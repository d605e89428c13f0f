"""HTTPS with the certificate's name checked, and a declared egress proxy, through real sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading

import pytest

from pipelines.web.fetch.transport import HttpTransport
from tests.support.hostile_server import AGENT, IMAGE
from tests.support.raw_server import BOUNDS, OK, Raw, ask


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
            return [
                await transport.get(u) for u in ("http://a.example/x?y", "https://a.example/ok", "http://127.0.0.1/x", "https://10.0.0.1/")
            ]
        finally:
            await transport.close()

    with Proxy(secure.address) as proxy:
        plain, tls, *denied = asyncio.run(main(proxy))
    assert (plain.body, tls.body) == (b"abc", IMAGE)
    assert [a.status for a in denied] == ["address denied: loopback", "address denied: private"]
    http, connect = proxy.heads
    assert http.startswith("GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\n") and connect.startswith(
        "CONNECT a.example:443 HTTP/1.1\r\n"
    )
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
