"""Masks what points at a person: e-mail and IP addresses, IBANs, card and telephone numbers.

`mask` gives back the text with `<EMAIL>`, `<IP>`, `<IBAN>`, `<CARD>` and `<PHONE>` in their place, and how many of each.
What is found: any case; full-width forms; invisible characters inside; HTML entities left in the text (`&#64;`); the usual
disguises (`name [at] host [dot] com`). IP addresses are masked whether public or private, since either may single out a
person; numbers after words such as "version" are not taken for one. IBANs need their country's length and check digits,
cards a known first digit group and the Luhn check, telephone numbers a leading `+`, the North American form, or a word
such as "Tel." before them. Every pattern looks a bounded way from its anchor, so the time is linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache

from pipelines.web import pii_cues
from pipelines.web.pii_cues import ALL, AMERICAN, CARD, EMAIL, IBAN, INTERNATIONAL, NAMED, V4, V6
from pipelines.web.pii_shadow import Shadow

TOKENS = {"email": "<EMAIL>", "ip": "<IP>", "iban": "<IBAN>", "card": "<CARD>", "phone": "<PHONE>"}

_Span = tuple[int, int, str]

# e-mail ---------------------------------------------------------------------------------------------------------------

_BRACKET_DOT = r"\s{0,2}[\[({<]\s{0,2}(?:dot|punkt|punto|point|\.)\s{0,2}[\])}>]\s{0,2}"
_PLAIN_DOT = r"\s{1,3}(?:dot|punkt)\s{1,3}"
_ANY_DOT = rf"(?:\.|{_BRACKET_DOT}|{_PLAIN_DOT})"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_LAST = r"(?:[^\W\d_]{2,24}|xn--[\w-]{2,59})"
_AT = re.compile(
    r"(?P<sign>[ ]?@[ ]?)|(?P<bracket>\s{0,3}[\[({<]\s{0,2}(?:at|ät|arroba|@)\s{0,2}[\])}>]\s{0,3})|(?P<word>\s{1,3}at\s{1,3})",
    re.IGNORECASE,
)
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}{_LAST}(?![\w-])", re.IGNORECASE)
_DOMAIN_DISGUISED = re.compile(rf"(?:{_LABEL}{_ANY_DOT}){{1,5}}?{_LAST}(?![\w-])(?!{_BRACKET_DOT}|{_PLAIN_DOT}|\.[^\W_])", re.IGNORECASE)
_HAS_WORD_DOT = re.compile(rf"{_BRACKET_DOT}|{_PLAIN_DOT}", re.IGNORECASE)
_LOCAL = r"[\w.+%'&~-]{1,64}"
_LOCAL_BACKWARDS = re.compile(_LOCAL)
_TOD = r"(?:\s{0,2}[\])}>]\s{0,2}(?:tod|tknup|otnup|tniop|\.)\s{0,2}[\[({<]\s{0,2}|\s{1,3}(?:tod|tknup)\s{1,3})"
_LOCAL_DISGUISED_BACKWARDS = re.compile(rf"{_LOCAL}(?:{_TOD}{_LOCAL}){{0,3}}", re.IGNORECASE)
_FILES = frozenset("png jpg jpeg gif webp svg avif ico css js mjs json html htm php asp aspx xml pdf mp4 mp3 webm woff ttf md py".split())
_LONGEST_DOMAIN, _LONGEST_LOCAL = 253, 110
_LAST_WORD = re.compile(r"[\w-]+$")


@cache
def _suffixes() -> Callable[[str], bool]:
    import tldextract

    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list that the library ships
    return lambda name: bool(extract.extract_str(f"x.{name}").suffix)


@lru_cache(maxsize=4096)
def _is_top_level(name: str) -> bool:
    return _suffixes()(name.lower())


def _emails(text: str) -> Iterator[_Span]:
    done = 0
    for at in _AT.finditer(text):
        start, end = at.span()
        if start < done:
            continue
        plain = at["sign"] is not None
        ahead = text[end : end + _LONGEST_DOMAIN]
        domain = (_DOMAIN if plain and end - start == 1 else _DOMAIN_DISGUISED).match(ahead) or _DOMAIN.match(ahead)
        if domain is None and plain:
            domain = _DOMAIN_DISGUISED.match(ahead)
        if domain is None:
            continue
        if at["word"] and not (_HAS_WORD_DOT.search(domain[0]) and _is_top_level(_LAST_WORD.search(domain[0])[0])):
            continue  # "arrived at noon dot on time"
        if domain[0].rpartition(".")[2].lower() in _FILES:
            continue
        back = text[max(0, start - _LONGEST_LOCAL) : start][::-1]
        disguised = not plain or end - start > 1 or back[:1].isspace()
        local = (_LOCAL_DISGUISED_BACKWARDS if disguised else _LOCAL_BACKWARDS).match(back)
        if local is None:
            continue
        name = local[0][::-1]
        begin = max(done, start - len(name) + (len(name) - len(name.lstrip(".'%&~-"))))  # two addresses may be glued together
        if begin < start and any(map(str.isalnum, text[begin:start])):
            done = end + domain.end()
            yield begin, done, "email"


# addresses of machines ------------------------------------------------------------------------------------------------

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4_DOT = r"(?:\.|\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?)"
_V4 = re.compile(rf"(?<![\w.])(?:{_BYTE}{_V4_DOT}){{3}}{_BYTE}(?![\w]|\.\d)", re.ASCII | re.IGNORECASE)
_V6 = re.compile(r"(?<![\w.])(?:[0-9a-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4})(?![\w:]|\.\d)", re.IGNORECASE)
_GROUP_BEFORE = re.compile(r"(?<!\w)[0-9a-f]{0,4}:$", re.IGNORECASE)  # "contact:" is none, "12:" is
_NUMBERED = re.compile(r"(?:version|ver|v|release|firmware|build|rev|revision|section|chapter|kernel|driver|§)[.:\s]{0,3}$", re.IGNORECASE)


def _addresses(text: str) -> Iterator[_Span]:
    dotted = text.count(".") >= 3 or any(c in text for c in "[({")  # else there are not three dots, written out or not
    for m in _V4.finditer(text) if dotted else ():
        if not _NUMBERED.search(text[max(0, m.start() - 14) : m.start()]):
            yield m.start(), m.end(), "ip"
    if text.count(":") < 2:
        return
    for m in _V6.finditer(text):
        found = m[0]
        if sum(map(str.isdigit, found)) < 2 or len(found) < 6 or _GROUP_BEFORE.search(text[max(0, m.start() - 6) : m.start()]):
            continue
        try:
            ipaddress.IPv6Address(found)
        except ValueError:
            continue
        yield m.start(), m.end(), "ip"


# numbers of accounts and cards ----------------------------------------------------------------------------------------

# lengths by country: the SWIFT IBAN registry
_IBAN_LENGTHS = dict(
    (entry[:2], int(entry[2:]))
    for entry in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 "
        "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 "
        "ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 "
        "ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
    ).split()
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?=[ \u00a0-]?[A-Za-z0-9]{3})")
_CARD = re.compile(r"(?<![\d.,+-])\d(?:[ \u00a0-]?\d){12,18}(?!\d|[.,]\d)", re.ASCII)
_CARD_KINDS = re.compile(r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|6\d{15,18}|35\d{14}")


def _ibans(text: str) -> Iterator[_Span]:
    for m in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(m[0][:2].upper())
        if length is None:
            continue
        got, at = [], m.start()
        stop = min(len(text), at + length * 2)
        while at < stop and len(got) < length:
            c = text[at]
            if c.isascii() and c.isalnum():
                got.append(c)
            elif c not in " \u00a0-" or not text[at - 1].isalnum():
                break
            at += 1
        if len(got) == length and not (at < len(text) and text[at].isalnum()) and iban_valid("".join(got)):
            yield m.start(), at, "iban"


def iban_valid(iban: str) -> bool:
    """Whether the check digits of an IBAN without blanks hold (ISO 7064 MOD 97-10)."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def luhn_valid(digits: str) -> bool:
    """Whether the last digit fits the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        d = int(c) * (2 if i % 2 else 1)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def _cards(text: str) -> Iterator[_Span]:
    for m in _CARD.finditer(text):
        digits = "".join(c for c in m[0] if c.isdigit())
        if _CARD_KINDS.fullmatch(digits) and luhn_valid(digits):
            yield m.start(), m.end(), "card"


# telephone ------------------------------------------------------------------------------------------------------------

_GAP = r"[\s().\u00a0\u2010-\u2015/-]{0,3}"
_INTERNATIONAL = re.compile(rf"(?<![\w+])\+[1-9](?:{_GAP}\d){{7,14}}(?!\d)", re.ASCII)
_AMERICAN = re.compile(r"(?<![\w.+-])(?:1[-. ])?(?:\([2-9]\d\d\)[-. ]?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}(?![\w]|[.,-]\d)", re.ASCII)
_NAMED = re.compile(
    r"(?<![\w])(?:tel|telephone|telefon|téléphone|teléfono|telefono|telefone|phone|mobile|mobil|fax|call|whatsapp|hotline|тел|電話|电话)"
    r"(?:\.|\s?(?:no|number|nr)\.?)?\s{0,2}[:：]?\s{0,3}(\(?\d(?:[\s().\u00a0\u2010-\u2015/-]{0,3}\d){6,14})(?!\d)",
    re.IGNORECASE,
)


def _phones(text: str, signs: int) -> Iterator[_Span]:
    for sign, pattern in ((INTERNATIONAL, _INTERNATIONAL), (AMERICAN, _AMERICAN)):
        for m in pattern.finditer(text) if signs & sign else ():
            yield m.start(), m.end(), "phone"
    for m in _NAMED.finditer(text) if signs & NAMED else ():
        yield m.start(1), m.end(1), "phone"


# all together ---------------------------------------------------------------------------------------------------------

_CUE = re.compile(r"@|\d[^\w\n]{0,3}\d|::|[\[({<]\s{0,2}(?:at|ät|arroba)\s{0,2}[\])}>]|\sat\s", re.IGNORECASE)
_OF_DIGITS = IBAN | CARD | INTERNATIONAL | AMERICAN | NAMED
_SIX_DIGITS = re.compile(r"(?:\d[^\d\n]{0,4}){4}")


def find(text: str, signs: int = ALL) -> list[tuple[int, int, str]]:
    """(start, end, kind) of everything found, in order, without overlaps; where two overlap, e-mail comes before IP, IBAN,
    card and telephone number. `signs` of the text (pii_cues), where they are known, spare searches that would find nothing."""
    shadow = Shadow.of(text)
    seen = shadow.text
    if not _CUE.search(seen):
        return []
    spans = list(_emails(seen)) if signs & EMAIL else []
    if signs & (V4 | V6):
        spans += _addresses(seen)
    if signs & _OF_DIGITS and _SIX_DIGITS.search(seen):
        spans += _ibans(seen) if signs & IBAN else ()
        spans += _cards(seen) if signs & CARD else ()
        spans += _phones(seen, signs)
    spans.sort(key=lambda s: (_RANK[s[2]], s[0]))
    return [(*shadow.span(a, b), kind) for a, b, kind in _without_overlaps(spans)]


_RANK = {kind: i for i, kind in enumerate(TOKENS)}


def _without_overlaps(ranked: list[_Span]) -> list[_Span]:
    import bisect

    starts: list[int] = []
    taken: list[_Span] = []
    for span in ranked:
        i = bisect.bisect_right(starts, span[0])
        if (i and taken[i - 1][1] > span[0]) or (i < len(taken) and taken[i][0] < span[1]):
            continue
        starts.insert(i, span[0])
        taken.insert(i, span)
    return taken


def mask_all(texts: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """`mask` of several texts at once: the same answers, many times as fast where there is little to find."""
    out, counts = list(texts), Counter[str]()
    for i, signs in enumerate(pii_cues.of(texts)):
        if signs:
            out[i], found = mask(texts[i], signs)
            counts.update(found)
    return out, dict(counts)


def mask(text: str, signs: int = ALL) -> tuple[str, dict[str, int]]:
    """The text with what was found replaced by its token, and the number of each kind found ({} = text unchanged)."""
    spans = find(text, signs)
    if not spans:
        return text, {}
    out, at, counts = [], 0, {}
    for start, end, kind in spans:
        out += (text[at:start], TOKENS[kind])
        counts[kind] = counts.get(kind, 0) + 1
        at = end
    out.append(text[at:])
    return "".join(out), counts
