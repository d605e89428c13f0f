"""From one archived response to one judged document, in the guarded child: nothing here is trusted with more than one page.

The page crosses the process border once, as stored; what comes back is a compact row: identity, kept nodes, measures in the
order of the rule sets, reasons. `make` is the target of `pipelines.guard.Guard`.

Order of reasons (the first one names the drop): HTTP status, not HTML, URL rules, opt-out, no text, no image, document rules.
Paragraph and image rules judge the nodes first; document rules see what is left. Every rule is evaluated on everything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from filters.base import At, Measures, Unit
from filters.registry import rule_set
from filters.text.document import DocumentView
from filters.text.view import TextView
from pipelines.models.language import identify
from pipelines.models.text import TextModels
from pipelines.web import http, optout
from pipelines.web.charset import decode
from pipelines.web.page import Limits, extract
from pipelines.web.pii import mask_all
from pipelines.web.records import RESPONSE, REVISIT, Record
from pipelines.web.urls import canonical, host_of, registrable_domain
from schemas.ids import doc_id, fraction_of, image_id
from schemas.reasons import Reason
from schemas.rows import IMAGE, TEXT, Node

END_ROLE = "end"
LANGUAGE_CHARACTERS = 2_000
LONG_ENOUGH = 80  # characters of a paragraph that is asked for its language before the short ones
_WARM_UP = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html", b"<p>A page of plain words, so that the word lists of the language are here.")
_DIGITS = re.compile(r"\D+")


class Item(msgspec.Struct, array_like=True, frozen=True):
    """What the child is given, beside the record's head and body: where it came from."""

    record: int
    path: str
    crawl: str
    offset: int
    length: int
    kind: str
    url: str
    date: str


class Judged(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a node failed."""

    reasons: list[str] = []
    shadow: list[str] = []


class Identity(msgspec.Struct, array_like=True, frozen=True, gc=False):
    doc_id: str
    url: str
    canonical_url: str
    domain: str
    fetched_at: str


class Row(msgspec.Struct, array_like=True, frozen=True):
    """What the child answers: a document, kept or dropped, or (with `dead`) why there is none."""

    identity: Identity
    dead: tuple[str, str] | None = None  # (kind, message)
    title: str = ""
    language: str = "und"
    language_score: float = 0.0
    measures: list[float | None] = []
    reasons: list[str] = []
    shadow: list[str] = []
    store: bool = False  # nodes carry their text: kept, or chosen as a sample of the dropped
    nodes: list[tuple] = []  # Node fields in order
    text_bytes: list[int] = []  # of each node, 0 for images
    node_measures: bytes = b""  # float64, a row of each of `RuleSets.node_measures`, as long as `nodes`; NaN where it does not apply
    judged: dict[int, Judged] = {}  # by position, of the nodes that failed anything: most did not
    optouts: list[tuple[str, str, str, str, bool, str]] = []  # subject, signal, value, token, acted, evidence
    facts: dict[str, int] = {}
    image: str = ""  # media type, if the record is an image that was served well


class RuleSets:
    """The rule sets of a configuration at this stage, and the names of their measures in column order."""

    def __init__(self, filters: dict[str, dict[str, Any]]):
        self.url = rule_set(filters, Unit.URL, At.EXTRACT)
        self.paragraph = rule_set(filters, Unit.PARAGRAPH, At.EXTRACT)
        self.image = rule_set(filters, Unit.IMAGE, At.EXTRACT)
        self.document = rule_set(filters, Unit.DOCUMENT, At.EXTRACT)
        self.document_measures = tuple(sorted({*self.url.measures, *self.document.measures}))
        self.node_measures = tuple(sorted({*self.paragraph.measures, *self.image.measures}))
        self._paragraph_rows, self._image_rows = (
            np.array([self.node_measures.index(m) for m in unit.measures], np.int64)[:, None] for unit in (self.paragraph, self.image)
        )

    def by_node(self, n: int, text_at: list[int], table: np.ndarray, image_at: list[int], pictures: list[Measures]) -> np.ndarray:
        """(measures, n): of the texts and images at these positions their measures, NaN elsewhere."""
        out = np.full((len(self.node_measures), n), np.nan)
        out[self._paragraph_rows, text_at] = table
        images = np.array([[p.get(m, np.nan) for p in pictures] for m in self.image.measures])
        out[self._image_rows, image_at] = images.reshape(len(self.image.measures), len(pictures))  # which an empty list does not tell
        return out


def identify_record(url: str, date: str, crawl: str) -> Identity:
    """The names of a capture. `fetched_at` is ISO 8601 in seconds whatever the archive wrote, "" if it wrote no date."""
    address = canonical(url)
    when = iso_date(date)
    return Identity(doc_id(address, crawl, when), url, address, registrable_domain(host_of(url)), when)


def iso_date(date: str) -> str:
    digits = _DIGITS.sub("", date)[:14]
    if len(digits) < 4:
        return ""
    d = digits + "00000101000000"[len(digits) :]
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}Z"


def item_of(record: Record, number: int, path: str, crawl: str) -> Item:
    return Item(number, path, crawl, record.offset, record.length, record.kind, record.url, record.date)


def setup(config: Any) -> bytes:
    """What `make` needs of a configuration, as bytes."""
    return json.dumps({"filters": config.filters, "extract": json.loads(config.extract.model_dump_json())}).encode()


def make(settings: bytes) -> Callable[[bytes, bytes, bytes], bytes]:
    """The function that a guarded child runs on each page (msgpack of Item, head, body -> msgpack of Row)."""
    raw = json.loads(settings)
    reader = Reader(RuleSets(raw["filters"]), raw["extract"])
    warm_up = Item(0, "", "", 0, 0, RESPONSE, "https://www.example.org/", "")
    reader.read(warm_up, *_WARM_UP)  # loads, before any page's clock runs, what is loaded at first use
    decoder, encoder = msgspec.msgpack.Decoder(Item), msgspec.msgpack.Encoder()
    return lambda item, head, body: encoder.encode(reader.read(decoder.decode(item), head, body))


class Reader:
    """Reads pages by one configuration."""

    def __init__(self, rules: RuleSets, extract: dict[str, Any]):
        self.rules, self.settings = rules, extract
        self.paragraph_models, self.document_models = TextModels(rules.paragraph), TextModels(rules.document)
        self.limits = Limits(extract["max_body_bytes"], extract["max_nodes"], extract["max_depth"])

    def read(self, item: Item, head: bytes, body: bytes) -> Row:
        """`head` and `body` as by `http.split`."""
        who = identify_record(item.url, item.date, item.crawl)
        url_measures = self.rules.url.measure(item.url)
        if item.kind == REVISIT:
            return self._without_page(who, url_measures, [Reason.REVISIT])
        try:
            response = http.response(head, body, self.settings["max_body_bytes"])
        except http.HttpError as e:
            return Row(who, dead=(e.kind, str(e)))
        structural = []
        if response.status not in self.settings["statuses"] and response.status:
            structural.append(Reason.HTTP_STATUS)
        if not http.is_html(response):
            structural.append(Reason.NOT_HTML)
        if structural:
            media = response.media_type
            image = media if self.settings["use_archived_images"] and response.status == 200 and media.startswith("image/") else ""
            return self._without_page(who, url_measures, structural, image if response.body else "")
        return self._page(item, who, response, url_measures)

    def _page(self, item: Item, who: Identity, response: http.Response, url_measures: Measures) -> Row:
        rules = self.rules
        decoded = decode(response.body, response.charset)
        page = extract(decoded.html, item.url, self.limits)
        nodes = [Node(*n[:9], n.image_id or image_id(n.url), n.reason) if n.kind == IMAGE else n for n in page.nodes]
        texts = [n.text for n in nodes if n.kind == TEXT]
        language, score = identify(_sample(texts))
        views = TextView.page(texts, language)
        self.paragraph_models.fill(views)
        judged: dict[int, Judged] = {}
        table, verdicts = rules.paragraph.table(views, language)
        pictures: list[Measures] = []
        text_at, image_at, marks = [], [], []  # positions; marks are texts, but no content
        for i, n in enumerate(nodes):
            if n.kind == IMAGE:
                pictures.append(rules.image.measure(n))
                verdict = rules.image.judge(pictures[-1], language)
                image_at.append(i)
            else:
                verdict = verdicts[len(text_at)]
                text_at.append(i)
            if n.role == END_ROLE:
                marks.append(i)
                continue
            if verdict.reasons or verdict.shadow_reasons:
                judged[i] = Judged(list(verdict.reasons), list(verdict.shadow_reasons))
                if verdict.reasons:
                    nodes[i] = Node(*n[:-1], verdict.first_reason)
        signals = optout.page_signals(response.headers, page.meta)
        acts = self.settings["opt_out"] == "respect"
        before = [Reason.OPT_OUT] if acts and any(s.reserves_page for s in signals) else []
        if acts and any(s.reserves_images for s in signals):
            nodes = [n._replace(reason=n.reason or Reason.IMAGE_OPT_OUT) if n.kind == IMAGE else n for n in nodes]
            judged |= {i: _also(judged.get(i, Judged()), Reason.IMAGE_OPT_OUT) for i, n in enumerate(nodes) if n.kind == IMAGE}
        kept = [n for n in nodes if not n.reason and n.role != END_ROLE]
        if not any(n.kind == TEXT for n in kept):
            before.append(Reason.NO_TEXT)
        if self.settings["require_image"] and not any(n.kind == IMAGE for n in kept):
            before.append(Reason.NO_IMAGE)
        document = DocumentView(nodes, language, paragraphs=views, language_score=score)
        self.document_models.fill([document])
        document_measures = rules.document.measure(document)
        measures, reasons, shadow = self._judge(url_measures, document_measures, [], before, language)
        facts = {"html": 1, f"charset.{decoded.source}": 1, "truncated": int(bool(page.truncated) or response.partial)}
        store = not reasons or fraction_of(who.doc_id, "rejects") < self.settings["reject_share"]
        sizes = [len(t) if (t := n.text).isascii() else len(t.encode("utf-8", "replace")) for n in nodes]
        measured = rules.by_node(len(nodes), text_at, table, image_at, pictures)
        measured[:, marks] = np.nan
        title = page.title
        if store and self.settings["mask_pii"]:  # in all that is stored, the dropped parts too
            nodes, title = _masked(nodes, title, facts)
        return Row(
            who, None, title, language, score, measures, reasons, shadow, store,
            nodes if store else [(n[0], n[1], n[2], "", n[4], "", "", *n[7:]) for n in nodes], sizes, measured.tobytes(), judged,
            [("page", s.signal, s.value[:500], s.token, acts and (s.reserves_page or s.reserves_images), s.evidence) for s in signals],
            facts,
        )  # fmt: skip

    def _without_page(self, who: Identity, url_measures: Measures, structural: Sequence[str], image: str = "") -> Row:
        measures, reasons, shadow = self._judge(url_measures, {}, structural, [])
        return Row(who, measures=measures, reasons=reasons, shadow=shadow, image=image)

    def _judge(
        self, url_measures: Measures, document_measures: Measures, first: Sequence[str], between: Sequence[str], language: str = ""
    ) -> tuple[list[float | None], list[str], list[str]]:
        """Measures in column order; reasons and shadow reasons in the documented order."""
        url, document = self.rules.url.judge(url_measures), self.rules.document.judge(document_measures, language)
        both = {**url_measures, **document_measures}
        reasons = [*map(str, first), *url.reasons, *map(str, between), *document.reasons]
        return [both.get(m) for m in self.rules.document_measures], reasons, [*url.shadow_reasons, *document.shadow_reasons]


def _sample(texts: list[str]) -> str:
    """The text that is asked for its language: paragraphs before labels and links."""
    long = [t for t in texts if len(t) >= LONG_ENOUGH]
    if sum(map(len, long)) < LANGUAGE_CHARACTERS:
        long += [t for t in texts if len(t) < LONG_ENOUGH]
    return "\n".join(long)


def _also(j: Judged, reason: str) -> Judged:
    return Judged([*j.reasons, str(reason)], j.shadow)


def _masked(nodes: list[Node], title: str, facts: dict[str, int]) -> tuple[list[Node], str]:
    """Personal data replaced in texts, alternative texts, captions and title; `facts` says how often."""
    words = [s for n in nodes for s in ((n.alt, n.caption) if n.kind == IMAGE else (n.text,))]
    masked, counts = mask_all([title, *words])
    for kind, number in counts.items():
        facts[f"pii.{kind}"] = facts.get(f"pii.{kind}", 0) + number
    if not counts:
        return nodes, title
    title, *words = masked
    given = iter(words)
    return [n._replace(alt=next(given), caption=next(given)) if n.kind == IMAGE else n._replace(text=next(given)) for n in nodes], title


__all__ = ["Identity", "Item", "Judged", "Reader", "Row", "RuleSets", "identify_record", "item_of", "make", "setup"]
