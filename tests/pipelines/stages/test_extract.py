from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.guard import Guard, GuardLimits
from pipelines.run import run_stages
from pipelines.settings.config import Config, build
from pipelines.stage import Outcome
from pipelines.web.capture import setup
from pipelines.web.inputs import units
from pipelines.web.unit_work import read_unit
from tests.support.archives import gz, http, warc

WORDS = (
    "The old harbour wall was built by fishermen who wanted shelter from the winter storms, and it has been repaired after "
    "every one of them since; the village keeps a list of the years in its small museum beside the church."
)
FILTERS = {
    "url.banned_words": {}, "paragraph.word_count": {"min": 4}, "image.url_words": {}, "document.word_count": {"min": 20, "max": None},
}  # fmt: skip


def page(number: int, extra: str = "", head: str = "", image: bool = True) -> bytes:
    picture = f'<figure><img src="/pictures/harbour-{number}.jpg" width="640" height="480" alt="The harbour"></figure>' if image else ""
    texts = "".join(f"<p>{WORDS} Part {number}, paragraph {i}.</p>" for i in range(4))
    body = f"<article><h1>Harbour {number}</h1>{texts}{picture}{extra}</article>"
    return f"<!doctype html><html lang=en><head><title>Page {number}</title>{head}</head><body>{body}</body></html>".encode()


def config(paths: list[str], workers: int = 1, **sections) -> Config:
    raw = {"filters": FILTERS, "runner": {"workers": workers}, **sections}
    return build({**raw, "input": {"paths": paths, **sections.get("input", {})}}, "test")


def run(tmp_path: Path, data: bytes, name: str = "run", **kw) -> Outcome:
    path = tmp_path / "CC-MAIN-2024-22-a.warc.gz"
    path.write_bytes(data)
    return run_stages(str(tmp_path / name), config([str(path)], **kw), "extract")["extract"]


def rows(outcome: Outcome, table: str) -> list[dict]:
    return [r for p in outcome.done.paths(table) for r in pq.read_table(p).to_pylist()]


HEADERS = (b"Content-Type: text/html; charset=utf-8",)
CASES = {
    0: warc(0, http(page(0))),
    1: warc(1, http(gzip.compress(page(1)), b"Content-Type: text/html", b"Content-Encoding: gzip")),
    2: warc(2, http(page(2), status=b"404 Not Found")),
    3: warc(3, http(b"%PDF-1.4 ...", b"Content-Type: application/pdf")),
    4: warc(4, http(b"", *HEADERS), kind=b"revisit"),
    5: warc(5, http(page(5, head='<meta name="robots" content="noai">'))),
    6: warc(6, http(page(6), *HEADERS, b"X-Robots-Tag: noimageai")),
    7: warc(7, http(page(7, image=False))),
    8: warc(8, http(b"<html><body><img src=/pictures/alone.jpg width=600 height=500></body></html>")),
    9: warc(9, http(page(9, "<p>Write to jo.smith@mail.example.org about the museum and its opening hours.</p><p>Ok!</p>"))),
    10: warc(10, http(b"<html><p>" + b"x" * (11 << 20))),
    11: warc(11, http(gzip.compress(bytes(30 << 20)), b"Content-Type: text/html", b"Content-Encoding: gzip")),
    12: warc(12, http(page(12)), length=999_999),
    13: warc(13, http(page(13))),
    14: warc(14, kind=b"request"),
}
EXPECTED = {
    0: "", 1: "", 2: "document.response.http_status", 3: "document.response.not_html", 4: "document.response.revisit",
    5: "document.opt_out", 6: "document.empty.no_image", 7: "document.empty.no_image",
    8: "document.empty.no_text", 9: "", 10: "dead:too_large", 13: "", 11: "dead:too_large", 12: "dead:truncated",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcome(tmp_path_factory) -> Outcome:
    data = gz(*(CASES[i] for i in sorted(CASES)))
    return run(tmp_path_factory.mktemp("extract"), data + b"rubbish" * 20, extract={"reject_share": 1.0})


def number(row: dict) -> int:
    return int(row["url"].rsplit("/", 1)[1])


def test_every_record_is_kept_dropped_or_dead(outcome):
    fates = {number(r): r["first_reason"] for r in rows(outcome, "document_measures")}
    fates |= {number(r): f"dead:{r['kind']}" for r in rows(outcome, "dead") if r["id"]}
    assert {n: f.replace("dead:expansion", "dead:too_large") for n, f in fates.items()} == EXPECTED
    garbage = [r for r in rows(outcome, "dead") if not r["id"]]
    assert [r["kind"] for r in garbage] == ["garbage"] and garbage[0]["length"] == 140
    counts = outcome.done.manifest.counts["documents"]
    assert (counts.entered, counts.kept, counts.dead, counts.missing()) == (14, 4, 3, 0)


def test_conservation_of_paragraphs_and_images(outcome):
    for kind, name in (("text", "paragraphs"), ("image", "images")):
        mine = [r for r in rows(outcome, "nodes") if r["kind"] == kind]
        count = outcome.done.manifest.counts[name]
        assert count.entered == len(mine) > 0 and count.missing() == 0
        assert count.kept == sum(r["kept"] and r["document_kept"] for r in mine)


def test_documents_point_to_their_record(outcome, tmp_path):
    from pipelines.web.warc import read_at

    for i, row in enumerate(rows(outcome, "documents")):
        (record,) = read_at(row["warc_path"], row["warc_offset"], row["warc_length"])
        assert record.url == row["url"] and row["crawl"] == "CC-MAIN-2024-22" and row["domain"] == "site.example"
        (measured,) = [r for r in rows(outcome, "document_measures") if r["row"] == i]
        assert measured["doc_id"] == row["doc_id"] and measured["kept"] and measured["n_images"] == 1


def test_order_of_nodes_and_reasons_of_dropped_ones(outcome):
    (row,) = [r for r in rows(outcome, "documents") if number(r) == 9]
    assert [n["index"] for n in row["nodes"]] == list(range(len(row["nodes"])))
    kinds = [n["kind"] for n in row["nodes"]]
    assert kinds.index("image") > 2 and row["title"] == "Page 9" and row["language"] == "en"
    image = row["nodes"][kinds.index("image")]
    assert image["url"] == "http://site.example/pictures/harbour-9.jpg" and len(image["image_id"]) == 32 and image["width"] == 640
    assert any(n["text"] == "Ok!" and n["reason"] == "paragraph.word_count.below" for n in row["nodes"])


def test_pii_is_masked_in_what_is_kept(outcome):
    texts = [n["text"] for r in rows(outcome, "documents") for n in r["nodes"]]
    assert not any("jo.smith" in t for t in texts) and any("<EMAIL>" in t for t in texts)
    assert outcome.done.manifest.facts["pages"]["pii.email"] == 1


def test_opt_outs_are_kept_as_evidence(outcome):
    found = {number(r): r for r in rows(outcome, "optouts")}
    assert {n: (r["signal"], r["token"], r["acted"]) for n, r in found.items()} == {
        5: ("meta-robots", "noai", True), 6: ("x-robots-tag", "noimageai", True),
    }  # fmt: skip
    assert all(len(r["evidence"]) == 64 and r["seen_at"].startswith("2024-05-01T") for r in found.values())
    reasons = {r["first_reason"] for r in rows(outcome, "nodes") if r["kind"] == "image" and r["doc_id"] == found[6]["id"]}
    assert reasons == {"image.opt_out"}


def test_rejects_are_stored_with_their_text(outcome):
    rejects = {number(r) for r in rows(outcome, "rejects")}
    assert rejects == {5, 6, 7, 8}


def test_all_rules_measure_everything(outcome):
    for r in rows(outcome, "document_measures"):
        if number(r) in (5, 6, 7):
            assert r["doc_words"] > 20
    assert all(r["paragraph_words"] is not None for r in rows(outcome, "nodes") if r["kind"] == "text")


def test_recording_opt_outs_only(tmp_path):
    outcome = run(tmp_path, gz(CASES[5], CASES[6]), extract={"opt_out": "record"})
    assert outcome.done.manifest.counts["documents"].kept == 2
    assert [r["acted"] for r in rows(outcome, "optouts")] == [False, False]


def test_a_second_run_does_nothing(tmp_path):
    assert not run(tmp_path, gz(CASES[0])).skipped
    assert run(tmp_path, gz(CASES[0])).skipped
    assert not run(tmp_path, gz(CASES[0]), extract={"require_image": False}).skipped


def test_same_bytes_with_any_number_of_workers_and_any_cut(tmp_path):
    data = gz(*(warc(i, http(page(i, f"<!-- {random.Random(i).randbytes(3000).hex()} -->"))) for i in range(40)))
    assert len(data) > 100_000
    two = [run(tmp_path, data, f"r{w}", workers=w, input={"unit_bytes": 65_536}) for w in (1, 2)]
    files = [{p.path: p.sha256 for t in o.done.manifest.tables.values() for p in t} for o in two]
    assert files[0] == files[1] and len(two[0].done.manifest.parts["unit"]) >= 2
    whole = run(tmp_path, data, "whole")
    assert len(whole.done.manifest.parts["unit"]) == 1
    assert [r["doc_id"] for r in rows(two[0], "documents")] == [r["doc_id"] for r in rows(whole, "documents")]
    assert whole.done.manifest.counts == two[0].done.manifest.counts


def test_a_crash_costs_one_dead_letter(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    path = tmp_path / "a.warc.gz"
    bad = {3: "please abort", 5: "please hang", 8: "please raise"}
    path.write_bytes(gz(*(warc(i, http(page(i, bad.get(i, "")))) for i in range(12))))
    settings = config([str(path)], extract={"batch": 5})
    (unit,) = units(settings.input)
    with Guard(
        "tests.support.crashing_pages:make", GuardLimits(memory_bytes=2 << 30, seconds_per_item=2.0), setup=setup(settings)
    ) as guard:
        written, facts = read_unit(unit, str(tmp_path), settings, guard)
    tables = {name: pq.read_table(tmp_path / p.path).to_pylist() for name, p in written}
    assert facts["records"] == 12
    assert {number(r): r["kind"] for r in tables["dead"]} == {3: "crash", 5: "timeout", 8: "exception"}
    assert sorted(number(r) for r in tables["documents"]) == [i for i in range(12) if i not in bad]
    assert all(r["doc_id"] for r in tables["document_measures"])


def test_images_in_the_archive_are_noted(tmp_path):
    url = b"http://site.example/pictures/harbour-1.jpg"
    picture = warc(20, http(b"\xff\xd8\xff picture", b"Content-Type: image/jpeg")).replace(b"http://site.example/20", url)
    missing = warc(21, http(b"gone", b"Content-Type: image/jpeg", status=b"404 Not Found"))
    outcome = run(tmp_path, gz(warc(1, http(page(1))), picture, missing))
    (found,) = rows(outcome, "archived")
    (document,) = rows(outcome, "documents")
    assert found["image_id"] in {n["image_id"] for n in document["nodes"]} and found["content_type"] == "image/jpeg"
    assert found["offset"] == len(gz(warc(1, http(page(1))))) and found["length"] == len(gz(picture))
    assert not run(tmp_path, gz(picture), "off", extract={"use_archived_images": False}).done.paths("archived")


def test_pointers_read_only_what_they_name(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gz(*(warc(i, http(page(i))) for i in range(10))))
    offset = len(gz(*(warc(i, http(page(i))) for i in range(4))))
    row = {"filename": str(path), "offset": offset, "length": len(gz(warc(4, http(page(4)))))}
    (tmp_path / "wanted.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "offset": 0}))
    outcome = run_stages(str(tmp_path / "run"), config([], input={"pointers": [str(tmp_path / "wanted.jsonl")]}), "extract")["extract"]
    assert sorted(number(r) for r in rows(outcome, "documents")) == [0, 4]


def test_hostile_archives_end_to_end(tmp_path, shared_data):
    paths = sorted(str(p) for p in (shared_data / "warc_hostile").glob("*arc*"))
    outcome = run_stages(str(tmp_path / "run"), config(paths), "extract")["extract"]
    assert all(c.missing() == 0 for c in outcome.done.manifest.counts.values())
    kinds = Counter(r["kind"] for r in rows(outcome, "dead"))
    assert not kinds["crash"] and not kinds["timeout"] and not kinds["exception"], kinds


def test_hostile_html_end_to_end(tmp_path, shared_data):
    import base64

    with gzip.open(shared_data / "html_hostile.jsonl.gz") as f:
        bodies = [base64.b64decode(json.loads(line)["b64"]) for i, line in enumerate(f) if i % 2 == 0]
    outcome = run(tmp_path, gz(*(warc(i, http(b)) for i, b in enumerate(bodies))))
    counts = outcome.done.manifest.counts["documents"]
    assert counts.entered == len(bodies) > 900 and counts.missing() == 0
    kinds = Counter(r["kind"] for r in rows(outcome, "dead"))
    assert not kinds["crash"] and not kinds["timeout"], kinds
