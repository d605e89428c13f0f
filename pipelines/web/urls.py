"""One name per page: canonical URLs, hosts and registrable domains. Nothing here raises or looks anything up on a network.

What `canonical` does to an http(s) URL, in this order (the table in tests/pipelines/web/test_urls.py has an example of each):

    ends             spaces and control characters around the URL go; tabs and line ends inside it too
    scheme, host     lower case; a host outside ASCII becomes its IDNA form (UTS 46); a trailing dot goes
    userinfo         goes
    port             goes if it is the scheme's own (80, 443) or empty; leading zeros go
    path             `\\` becomes `/`; `.` and `..` segments are resolved (also as %2e); an empty path becomes `/`; a session id
                     (`;jsessionid=...`) goes; doubled and trailing slashes stay (servers may tell them apart)
    percent-encoding unreserved characters are decoded, hex is upper case, what must be encoded is encoded as UTF-8, a `%` that
                     starts no escape becomes %25
    query            tracking and session parameters go (`TRACKING`), empty ones too; the rest is sorted by name, equal names keep
                     their order; a space is `+`; an empty query loses its `?`
    fragment         goes, always: it never reaches the server that answered the crawler

Anything else (another scheme, no host, a port that is no number) comes back with only its ends trimmed. The scheme stays, so
a canonical URL can be fetched; `page_key` also leaves it out, because http and https of one address are one page.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tldextract import TLDExtract

# Parameters that say where a reader came from, never which page it is: analytics (utm, Matomo, Piano), click ids of advertising
# and mail systems, and session ids of common servers. Names are compared in lower case.
TRACKING = frozenset(
    (
        "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid fbclid fb_action_ids fb_action_types fb_source msclkid yclid "
        "ysclid ymclid twclid ttclid li_fat_id igshid igsh epik srsltid _ga _gl _gac ga_source ga_medium ga_term ga_content "
        "ga_campaign mc_cid mc_eid mkt_tok _hsenc _hsmi __hssc __hstc __hsfp hsctatracking vero_id vero_conv oly_anon_id oly_enc_id "
        "rb_clickid s_cid wickedid icid cmpid ns_campaign ns_mchannel ns_source ns_linkname ns_fee piwik_campaign piwik_kwd "
        "pk_campaign pk_kwd pk_source pk_medium pk_content mtm_campaign mtm_keyword mtm_kwd mtm_source mtm_medium mtm_content mtm_cid "
        "mtm_group mtm_placement matomo_campaign matomo_keyword at_medium at_campaign at_custom1 at_custom2 phpsessid jsessionid "
        "aspsessionid sessionid "
    ).split()
)
_TRACKING_PREFIXES = ("utm_", "hsa_", "aspsessionid")

_DEFAULT_PORT = {"http": "80", "https": "443"}
_CONTROLS = "".join(map(chr, range(33)))
_INNER = str.maketrans("", "", "\t\r\n")
_SPLIT = re.compile(r"(https?):[/\\]{2,}([^/\\?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.I | re.S)
_PLAIN = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?"
)  # fast path: nothing to change
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.I)
_ESCAPE = re.compile(r"%(?:[0-9A-Fa-f]{2})?|[^A-Za-z0-9\-._~!$&'()*+,;=:@/]+")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")


def canonical(url: str) -> str:
    """The one form of a URL that all its spellings share (table above). Never raises; `canonical(canonical(u)) == canonical(u)`."""
    if _is_plain(url):
        return url if url.count("/") > 2 else url + "/"
    url = url.strip(_CONTROLS)
    match = _SPLIT.fullmatch(url.translate(_INNER).strip(_CONTROLS))
    if match is None:
        return url
    scheme, authority, path, query = match.groups()
    scheme = scheme.lower()
    netloc = _netloc(scheme, authority.rpartition("@")[2])
    if netloc is None:
        return url
    query = _query(query) if query else ""
    return f"{scheme}://{netloc}{_path(path)}{'?' if query else ''}{query}"


def _is_plain(url: str) -> bool:
    return len(url) <= 253 and _PLAIN.fullmatch(url) is not None and "xn--" not in url


def page_key(url: str) -> str:
    """`canonical` without the scheme: what says that two captures are of the same page."""
    url = canonical(url)
    return url.split("//", 1)[1] if url.startswith(("http://", "https://")) else url


def host_of(url: str) -> str:
    """The host of an http(s) URL in canonical form, without port; brackets around IPv6 stay. "" if there is none."""
    if _is_plain(url):
        return url.split("/", 3)[2]
    match = _SPLIT.fullmatch(url.translate(_INNER).strip(_CONTROLS))
    if match is None:
        return ""
    netloc = _netloc(match[1].lower(), match[2].rpartition("@")[2])
    return "" if netloc is None else _without_port(netloc)


@lru_cache(maxsize=1 << 16)
def registrable_domain(host_or_url: str) -> str:
    """The public suffix plus one label: `news.bbc.co.uk` -> `bbc.co.uk`. The whole Public Suffix List counts, its private part too
    (`a.github.io` and `b.github.io` are two sites), in the snapshot that tldextract ships. An unknown top-level domain counts as a
    suffix (the list's own default rule). An IP address, a single label or a bare suffix is returned as it is."""
    host = host_of(host_or_url) if "/" in host_or_url else _without_port(_netloc("http", host_or_url.strip(_CONTROLS)) or "")
    if not host:
        return ""
    if host[0] == "[" or _is_ipv4(host):
        return host
    found = _suffixes().extract_str(host, include_psl_private_domains=True)
    if found.suffix and found.domain:
        return f"{found.domain}.{found.suffix}"
    return host if found.suffix else ".".join(host.split(".")[-2:])


@cache
def _suffixes() -> TLDExtract:
    import tldextract

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


def _without_port(netloc: str) -> str:
    return netloc[: netloc.index("]") + 1] if netloc.startswith("[") else netloc.partition(":")[0]


def _is_ipv4(host: str) -> bool:
    return host.count(".") == 3 and host.replace(".", "").isdecimal()


@lru_cache(maxsize=1 << 16)
def _netloc(scheme: str, authority: str) -> str | None:
    """Host and, if it is not the scheme's own, port; None if this names no host."""
    if authority.startswith("["):
        host, closing, rest = authority.partition("]")
        try:
            host = f"[{ipaddress.IPv6Address(host[1:]).compressed}]"
        except ValueError:
            return None
        if not closing or (rest and not rest.startswith(":")):
            return None
        port = rest[1:]
    else:
        name, _, port = authority.partition(":")
        host = _host(name)
    if host is None or (port and not (port.isascii() and port.isdecimal() and len(port.lstrip("0")) <= 5)):
        return None
    port = port.lstrip("0") or ("0" if port else "")
    return host if port in ("", _DEFAULT_PORT[scheme]) else f"{host}:{port}"


def _host(name: str) -> str | None:
    """Lower case, IDNA, without a trailing dot; None if it cannot be a host."""
    if "%" in name:
        from urllib.parse import unquote

        name = unquote(name, errors="replace")
    host = name.lower()
    if not host.isascii() or "xn--" in host:
        import idna

        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError, ValueError, IndexError):
            if not host.isascii():  # names that the registries would refuse but that servers have answered to
                try:
                    host = host.encode("idna").decode("ascii").lower()
                except UnicodeError:
                    return None
    host = host.removesuffix(".")
    return host if host and len(host) <= 253 and _HOST.fullmatch(host) else None


def _path(path: str) -> str:
    if "\\" in path:
        path = path.replace("\\", "/")
    if ";" in path:
        path = _SESSION.sub("", path)
    path = _ESCAPE.sub(_escape, path)
    if "/." in path:
        out: list[str] = []
        segments = path.split("/")[1:]
        for i, segment in enumerate(segments):
            if segment not in (".", ".."):
                out.append(segment)
                continue
            if segment == ".." and out:
                out.pop()
            if i == len(segments) - 1:
                out.append("")
        path = "/" + "/".join(out)
    return path or "/"


def _query(query: str) -> str:
    kept = []
    for item in query.split("&"):
        if not item:
            continue
        item = _ESCAPE.sub(_escape, item.replace("?", "%3F")).replace("%20", "+")
        name = item.partition("=")[0].lower()
        if name not in TRACKING and not name.startswith(_TRACKING_PREFIXES):
            kept.append(item)
    kept.sort(key=_parameter_name)  # stable
    return "&".join(kept)


def _parameter_name(item: str) -> str:
    return item.partition("=")[0]


def _escape(match: re.Match[str]) -> str:
    text = match[0]
    if text[0] == "%":
        if len(text) == 1:
            return "%25"
        char = chr(int(text[1:], 16))
        return char if char in _UNRESERVED else text.upper()
    return "".join(f"%{b:02X}" for b in text.encode("utf-8", "replace"))
