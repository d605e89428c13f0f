"""A loopback server that is every host of the web, over http and https: for runs on real pages on a closed machine.

One port takes both: the first byte tells TLS from plain HTTP. Certificates are made per host name as clients ask for it, signed by
an authority made at start; a client trusts it through SSL_CERT_FILE.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BEGIN = datetime.datetime(2020, 1, 1)
_END = datetime.datetime(2120, 1, 1)


class Authority:
    """A certificate authority for one run."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weft test authority")])
        self.certificate = (
            self._builder(name, name, self.key).add_extension(x509.BasicConstraints(True, 0), True).sign(self.key, hashes.SHA256())
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.host_key = ec.generate_private_key(ec.SECP256R1())
        (folder / "key.pem").write_bytes(
            self.host_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        self.contexts: dict[str, ssl.SSLContext] = {}

    def context(self, host: str) -> ssl.SSLContext:
        """A server context with a certificate for `host`."""
        if host not in self.contexts:
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a host")])
            certificate = (
                self._builder(subject, self.certificate.subject, self.host_key)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
                .sign(self.key, hashes.SHA256())
            )
            path = self.folder / "host.pem"
            path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(path, self.folder / "key.pem")
            self.contexts[host] = context
        return self.contexts[host]

    def any_host(self) -> ssl.SSLContext:
        """A context that takes the right certificate once the client has named its host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._default(), self.folder / "key.pem")

        def choose(socket: Any, host: str | None, _: ssl.SSLContext) -> None:
            if host:
                socket.context = self.context(host)

        context.sni_callback = choose
        return context

    def _default(self) -> Path:
        self.context("localhost")
        return self.folder / "host.pem"

    def _builder(self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(_BEGIN).not_valid_after(_END)
        )  # fmt: skip


async def listen(start: Callable[[ssl.SSLContext | None], Any], authority: Authority) -> int:
    """One loopback port in front of two servers: `start(context or None)` starts one and returns its port."""
    plain, secure = await start(None), await start(authority.any_host())

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.read(1)
            if first:
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", secure if first == b"\x16" else plain)
                inner_writer.write(first)
                await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        except OSError:
            pass  # the client went away: that is its affair
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()
