"""Whom a URL leads to, and whether that address may be dialled: looked at in the URL, and again on the socket about to be connected.

So a name that resolves to loopback, a literal address in any notation, a redirect and a rebinding name all meet the same check.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from pipelines.web.fetch.addresses import PUBLIC, classify

LITERAL: ContextVar[bool] = ContextVar("literal", default=False)  # the URL being asked names an address, not a host
_ORIGIN = re.compile(r"https?://[^/?#]{1,300}")


class Denied(OSError):
    """A forbidden address: `args[1]` says which kind."""

    def __init__(self, what: str):
        super().__init__(errno.EACCES, f"address denied: {what}")


class Site(NamedTuple):
    """Whom a URL leads to."""

    host: str
    port: int | None  # if the URL names one
    literal: str  # the address that the host stands for, if it is one
    problem: str  # in words: why nobody may be asked, whatever the configuration; "" if nothing speaks against it


def site_of(url: str) -> Site:
    """Never raises. The images of a host share one look at it."""
    origin = _ORIGIN.match(url)
    return _site(origin[0]) if origin else _look(url)


def origin_of(url: str) -> str:
    """Scheme and authority of a URL whose site has no problem."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0].partition('#')[0]}"


def refusal(url: str, ports: tuple[int, ...]) -> str:
    """Why a URL will not be asked for, seen from the URL alone; "" if nothing speaks against it."""
    site = site_of(url)
    if not site.problem and site.port is not None and site.port not in ports:
        return f"port denied: {site.port}"
    return site.problem


def _look(url: str) -> Site:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return Site("", None, "", "bad url")
    if parts.scheme not in ("http", "https"):
        return Site(host, port, "", f"scheme denied: {parts.scheme[:20] or 'none'}")
    if not host:
        return Site(host, port, "", "bad url")
    literal = address_in(host)
    found = classify(literal) if literal else PUBLIC  # the socket is checked too; through a proxy this is the only look
    return Site(host, port, literal, "" if found == PUBLIC else f"address denied: {found}")


_site = lru_cache(maxsize=65536)(_look)


def address_in(host: str) -> str:
    """The address a host stands for if it is one in any notation that the C library takes (127.1, 0x7f.1, 2130706433, fullwidth
    digits); "" if it is a name."""
    if host.isascii() and ":" not in host and host.rstrip(".").rpartition(".")[2][:1].isalpha():
        return ""  # a name: no notation of an address has a last part that begins with a letter
    try:
        return str(ipaddress.ip_address(host.split("%", 1)[0]))
    except ValueError:
        plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".")
    if not plain or not plain[-1].isalnum() or plain.rsplit(".", 1)[-1][:1] not in set("0123456789"):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(plain))
    except (OSError, UnicodeError):
        return ""


class Dialler:
    """Makes the sockets of a connector: none to a forbidden address. `resolve` maps host names ("*": any) to loopback "ip:port",
    for tests; `proxied`: a declared proxy is the operator's, so any address of it may be dialled."""

    def __init__(self, resolve: Mapping[str, str], proxied: bool):
        self.targets, self.proxied = {target(t) for t in resolve.values()}, proxied

    def __call__(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        played = (address[0], address[1]) in self.targets and not LITERAL.get()  # the test map plays a public name
        if not played and not self.proxied and (found := classify(address[0])) != PUBLIC:
            raise Denied(found)
        s = socket.socket(family, kind, protocol)
        s.setblocking(False)
        return s


class Resolver(AbstractResolver):
    """The system's resolver, or the test map (host or "*" -> "127.0.0.1:port")."""

    def __init__(self, mapping: Mapping[str, str]):
        self.mapping = mapping
        self.inner = None if mapping else aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        if self.inner is not None:
            return await self.inner.resolve(host, port, family)
        played = self.mapping.get(host) or self.mapping.get("*")
        if played is None:
            raise OSError(None, "dns failure: not in the test map")
        ip, to = target(played)
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        return [ResolveResult(hostname=host, host=ip, port=to, family=family, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        if self.inner is not None:
            await self.inner.close()


def target(text: str) -> tuple[str, int]:
    """The two halves of "ip:port"."""
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)
