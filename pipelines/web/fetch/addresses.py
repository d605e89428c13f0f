"""Which addresses may be dialled: public unicast ones, and nothing that merely looks like one.

Python's `is_global` lets through NAT64, 6to4, multicast, the Azure host agent and others, so tunnelled forms are unwrapped
and the IANA special-purpose registries are denied by list.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# (network, what it is): IANA special-purpose registries, multicast, and cloud addresses that hold credentials.
_DENIED = [
    (ipaddress.ip_network(n), name)
    for n, name in (
        ("0.0.0.0/8", "this network"), ("10.0.0.0/8", "private"), ("100.64.0.0/10", "carrier NAT"), ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"), ("172.16.0.0/12", "private"), ("192.0.0.0/24", "special"), ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "special"), ("192.52.193.0/24", "special"), ("192.88.99.0/24", "6to4 relay"), ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "special"), ("198.18.0.0/15", "benchmarking"), ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"), ("224.0.0.0/4", "multicast"), ("240.0.0.0/4", "reserved"),
        ("168.63.129.16/32", "cloud metadata"), ("100.100.100.200/32", "cloud metadata"),
        ("::/128", "unspecified"), ("::1/128", "loopback"), ("100::/64", "discard"), ("100:0:0:1::/64", "special"),
        ("2001::/23", "special"), ("2001:db8::/32", "documentation"), ("2620:4f:8000::/48", "special"), ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"), ("fc00::/7", "private"), ("fe80::/10", "link-local"), ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"), ("fd00:ec2::254/128", "cloud metadata"),
    )
]  # fmt: skip
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.ip_network("::/96")
_GLOBAL6 = ipaddress.ip_network("2000::/3")
PUBLIC = "public"


@lru_cache(maxsize=65536)
def classify(address: str) -> str:
    """`public`, or what makes the address forbidden ("loopback", "private", "cloud metadata", "not an address", ...)."""
    try:
        ip: Address = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return "not an address"
    for inner in (ip, *_unwrapped(ip)):
        for network, name in _DENIED:
            if inner.version == network.version and inner in network:
                return name
    if isinstance(ip, ipaddress.IPv6Address) and not _unwrapped(ip) and ip not in _GLOBAL6:
        return "not global unicast"
    return PUBLIC


def _unwrapped(ip: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address carries inside (mapped, compatible, NAT64, 6to4, Teredo server and client)."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ()
    low = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    if ip in _COMPATIBLE or any(ip in n for n in _NAT64):
        return (low,)
    if ip.sixtofour is not None:
        return (ip.sixtofour,)
    if ip.teredo is not None:
        return tuple(ip.teredo)
    return ()
