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
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from pipelines.web.fetch.addresses import PUBLIC, classify
from pipelines.web.urls import host_of

_ORIGIN = re.compile(r"https?://[^/?#]{1,300}")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?")
DEFAULT_PORT = {"http": 80, "https": 443}


class Denied(OSError):
    """A forbidden address: `args[1]` says which kind."""

    def __init__(self, what: str):
        super().__init__(errno.EACCES, f"address denied: {what}")


class Site(NamedTuple):
    """Whom a URL leads to."""

    host: str  # lower case, IDNA, no trailing dot: one form, whatever the spelling
    port: int | None  # if the URL names one
    literal: str  # the address that the host stands for, if it is one
    problem: str  # in words: why nobody may be asked, whatever the configuration; "" if nothing speaks against it
    scheme: str = ""

    @property
    def authority(self) -> str:
        """What a Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (None, DEFAULT_PORT[self.scheme]) else f"{host}:{self.port}"

    @property
    def dialled(self) -> int:
        """The port to connect to."""
        return DEFAULT_PORT[self.scheme] if self.port is None else self.port


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
    if parts.scheme not in DEFAULT_PORT:
        return Site(host, port, "", f"scheme denied: {parts.scheme[:20] or 'none'}")
    literal = address_in(host)
    if literal:  # the socket is checked too; through a proxy this is the only look
        found = classify(literal)
        return Site(host, port, literal, "" if found == PUBLIC else f"address denied: {found}", parts.scheme)
    host = host.rstrip(".") if host.isascii() else host_of(url)
    return Site(host, port, "", "" if len(host) <= 253 and _NAME.fullmatch(host) else "bad url", parts.scheme)


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
    """Makes sockets, none to a forbidden address. `resolve` maps host names ("*": any) to loopback "ip:port", for tests; `proxied`: a
    declared proxy is the operator's, so any address of it may be dialled."""

    def __init__(self, resolve: Mapping[str, str], proxied: bool):
        self.targets, self.proxied = {target(t) for t in resolve.values()}, proxied

    def __call__(self, ip: str, port: int, literal: bool) -> socket.socket:
        """A socket for exactly this address. `literal`: the URL names the address itself, which the test map never plays."""
        played = not literal and (ip, port) in self.targets
        if not played and not self.proxied and (found := classify(ip)) != PUBLIC:
            raise Denied(found)
        s = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        s.setblocking(False)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s


def target(text: str) -> tuple[str, int]:
    """The two halves of "ip:port"."""
    ip, _, port = text.rpartition(":")
    return ip.strip("[]"), int(port)
