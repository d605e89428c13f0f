"""Main-content extraction beside its peers: `python -m benchmarks.extract [--json] [--data DIR] [--rounds N]`.

One process, one thread, the same pages, alternating rounds, medians. DATA holds `real_dev.warc.gz` and `groundtruth_dev.jsonl.gz`
(WEFT_DATA, or `shared/data` beside the checkout). Quality is over all pages with truth, speed over every eighth page.
Floors are parsing alone and parsing plus a visit of every node from Python: what a
reader in Python cannot go below. A peer that is not installed is named and left out;
WEFT_PEERS names a site-packages folder to look in as well.
Note that our block model was fitted on these pages; docs/extraction.md has the figures for sites it had not seen.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json as jsonlib
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers import look_in_peers, real_data, versions
from pipelines.web.page import extract

_WORD = re.compile(r"\w+")
READING = 15  # rounds of reading the archive
EVERY = 8  # the share of pages that speed is measured on: one in so many
PACKAGES = ("selectolax", "trafilatura", "resiliparse", "fastwarc", "readability-lxml", "numpy")
Read = Callable[[bytes, str], tuple[str, list[str]]]  # text and image addresses


class Sample(NamedTuple):
    url: str
    html: bytes
    truth: dict[str, Any] | None


def samples(folder: Path) -> list[Sample]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with gzip.open(folder / "groundtruth_dev.jsonl.gz", "rt", encoding="utf-8") as f:
        truth = {g["uri"]: g for g in map(jsonlib.loads, f)}
    with open(folder / "real_dev.warc.gz", "rb") as f:
        records = ArchiveIterator(f, record_types=WarcRecordType.response, parse_http=True)
        return [Sample(u := r.headers["WARC-Target-URI"], r.reader.read(), truth.get(u)) for r in records]


def ours(html: bytes, url: str) -> tuple[str, list[str]]:
    nodes = extract(html, url).nodes
    return "\n\n".join(n.text for n in nodes if n.kind == "text"), [n.url for n in nodes if n.kind == "image"]


def judged() -> Read:
    """What a run does with a page, from the stored response to the judged row: HTTP, charset, extraction, language, every rule of
    configs/obelics.toml that needs no model, opt-outs, PII masking, names and row."""
    import tomllib

    from pipelines.settings.config import Config
    from pipelines.web.capture import Item, Reader, RuleSets
    from pipelines.web.records import RESPONSE

    raw = tomllib.loads((Path(__file__).resolve().parents[1] / "configs" / "obelics.toml").read_text("utf-8"))
    config = Config.model_validate({**raw, "input": {"paths": ["unread.warc.gz"]}})
    reader = Reader(RuleSets(config.filters), config.extract.model_dump(mode="json"))

    def read(html: bytes, url: str) -> tuple[str, list[str]]:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8"
        reader.read(Item(0, "", "", 0, 0, RESPONSE, url, "2024-01-01T00:00:00Z"), head, html)
        return "", []

    return read


def peers() -> tuple[dict[str, Read], list[str]]:
    """The peers that can be imported, and the names of those that cannot."""
    found: dict[str, Read] = {}
    absent: list[str] = []

    def text(html: bytes) -> str:
        return html.decode("utf-8", "replace")

    try:
        from trafilatura import extract as trafilatura

        markdown = re.compile(r"!\[[^\]]*\]\(([^)\s]+)[^)]*\)")

        def images(html: bytes, url: str) -> tuple[str, list[str]]:
            out = trafilatura(text(html), url=url, include_images=True, output_format="markdown") or ""
            return markdown.sub(" ", out), markdown.findall(out)

        found["trafilatura + images"] = images
        found["trafilatura fast"] = lambda html, url: (trafilatura(text(html), url=url, fast=True) or "", [])
    except ImportError:
        absent.append("trafilatura")
    try:
        from resiliparse.extract.html2text import extract_plain_text

        found["resiliparse main content"] = lambda html, url: (extract_plain_text(text(html), main_content=True) or "", [])
    except ImportError:
        absent.append("resiliparse")
    try:
        from lxml import html as lxml_html
        from readability import Document

        def readability(html: bytes, url: str) -> tuple[str, list[str]]:
            try:
                root = lxml_html.fromstring(Document(text(html), url=url).summary())
            except Exception:  # it raises on pages it cannot read: an empty answer
                return "", []
            return " ".join(root.itertext()), root.xpath("//img/@src")

        found["readability-lxml"] = readability
    except ImportError:
        absent.append("readability-lxml")
    return found, absent


def parse_only(html: bytes, url: str) -> tuple[str, list[str]]:
    from selectolax.lexbor import LexborHTMLParser

    LexborHTMLParser(html)
    return "", []


def parse_and_walk(html: bytes, url: str) -> tuple[str, list[str]]:
    """The floor: every node visited once, its tag read, nothing done with it."""
    from selectolax.lexbor import LexborHTMLParser

    stack = [LexborHTMLParser(html).root]
    while stack:
        node = stack.pop()
        while node is not None:
            _ = node.tag
            child = node.first_child
            if child is None:
                node = node.next
            else:
                stack.append(node.next)
                node = child
    return "", []


def quality(read: Read, pages: list[Sample]) -> dict[str, float]:
    """Word F1 by kind of truth and page type, F1 of with/without snippets, precision and recall of images."""
    scores: dict[str, list[float]] = collections.defaultdict(list)
    hit = missed = wrong = right = extra = lost = 0
    for page in pages:
        truth = page.truth
        if truth is None or truth["kind"] == "recipe-scrapers":
            continue
        text, images = read(page.html, page.url)
        if truth["kind"] == "trafilatura-segments":
            hit += sum(s in text for s in truth.get("with") or [])
            missed += sum(s not in text for s in truth.get("with") or [])
            wrong += sum(s in text for s in truth.get("without") or [])
        elif truth.get("expected_text"):
            a, b = (collections.Counter(_WORD.findall(s.lower())) for s in (text, truth["expected_text"]))
            f1 = 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))
            scores[truth["kind"]].append(f1)
            if truth.get("page_type"):
                scores[f"wcxb {truth['page_type']}"].append(f1)
        if truth["kind"] == "readability":
            e, p = ({re.sub(r"#.*$|^https?:", "", u.strip()) for u in us} for us in (truth["expected_images"], images))
            right, extra, lost = right + len(e & p), extra + len(p - e), lost + len(e - p)
    out = {k: round(statistics.mean(v), 4) for k, v in sorted(scores.items())}
    out["segments"] = round(2 * hit / max(1, 2 * hit + missed + wrong), 4)
    out["image precision"] = round(right / max(1, right + extra), 4)
    out["image recall"] = round(right / max(1, right + lost), 4)
    return out


def speeds(readers: dict[str, Read], pages: list[Sample], rounds: int) -> dict[str, float]:
    """Pages per second of each reader: the median of rounds in which all take turns, after one unmeasured round."""
    taken: dict[str, list[float]] = {name: [] for name in readers}
    for turn in range(rounds + 1):
        for name, read in readers.items():
            start = time.perf_counter()
            for page in pages:
                read(page.html, page.url)
            if turn:
                taken[name].append(time.perf_counter() - start)
    return {name: len(pages) / statistics.median(values) for name, values in taken.items()}


def reading(archive: Path, rounds: int = READING) -> tuple[float, float, int]:
    """Records a CPU second of our reader and of FastWARC's own loop, each giving block and target: medians of turns, the first not counted."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    from pipelines.web.warc import read_records

    def weft() -> int:
        return sum(1 for record in read_records(str(archive)) if record.block and record.url)

    def fastwarc() -> int:
        with open(archive, "rb") as f:
            records = ArchiveIterator(f, record_types=WarcRecordType.response, parse_http=False)
            return sum(1 for record in records if record.reader.read() and record.headers["WARC-Target-URI"])

    taken: tuple[list[float], list[float]] = [], []
    count = 0
    for turn in range(rounds + 1):
        for times, loop in zip(taken, (weft, fastwarc), strict=True):
            start = time.process_time()
            count = loop()
            if turn:
                times.append(time.process_time() - start)
    return count / statistics.median(taken[0]), count / statistics.median(taken[1]), count


def main(json: bool = False, data: str | None = None, rounds: int = 3) -> int:
    """Measure and print; 1 if a page is not judged at a third of the speed of parse-and-walk and ten times that of trafilatura's fast
    mode, or reading costs more than a tenth above FastWARC; 4 without data."""
    look_in_peers()
    here = real_data(data)
    if not (here / "real_dev.warc.gz").is_file():
        print(f"no real_dev.warc.gz in {here}: name its folder with --data or WEFT_DATA", file=sys.stderr)
        return 4
    pages = samples(here)
    others, absent = peers()
    for name in absent:
        print(f"{name} is not installed: left out", file=sys.stderr)
    floors: dict[str, Read] = {"parse": parse_only, "parse and walk": parse_and_walk}
    rate = speeds({"weft": ours, "weft judged": judged(), **floors, **others}, pages[::EVERY], rounds)
    read_at, fastwarc_at, count = reading(here / "real_dev.warc.gz")
    marks = {name: quality(read, pages) for name, read in {"weft": ours, **others}.items()}
    goals = {"parse and walk": 1 / 3, "trafilatura fast": 10.0}
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    used = {"python": sys.version.split()[0], **versions(PACKAGES)}
    rows = [
        {"case": f"speed vs {name}", "ours": round(rate["weft"], 1), "peer": round(rate[name], 1), "unit": "pages/s",
         "ratio": round(rate["weft"] / rate[name], 3), "floor_ratio": None, "peak_rss_mb": rss, "versions": used}
        for name in rate if name != "weft"
    ]  # fmt: skip
    rows += [
        {"case": f"judged speed vs {name}", "ours": round(rate["weft judged"], 1), "peer": round(rate[name], 1), "unit": "pages/s",
         "ratio": round(rate["weft judged"] / rate[name], 3), "floor_ratio": goals.get(name), "peak_rss_mb": rss, "versions": used}
        for name in rate if not name.startswith("weft")
    ]  # fmt: skip
    rows.append(
        {"case": f"reading {count:,} records vs FastWARC", "ours": round(read_at, 1), "peer": round(fastwarc_at, 1), "unit": "pages/s",
         "ratio": round(read_at / fastwarc_at, 3), "floor_ratio": round(1 / 1.1, 3), "peak_rss_mb": rss, "versions": used}
    )  # fmt: skip
    rows += [
        {"case": f"{kind} vs {name}", "ours": marks["weft"][kind], "peer": marks[name][kind], "unit": "share" if "image" in kind else "F1",
         "ratio": round(marks["weft"][kind] / marks[name][kind], 3) if marks[name][kind] else None, "floor_ratio": None,
         "peak_rss_mb": rss, "versions": used}
        for name in others for kind in marks["weft"]
    ]  # fmt: skip
    if json:
        print(jsonlib.dumps(rows, indent=1))
    else:
        print("".join([f"{'':32}", *(f"{n:>26}" for n in marks)]))
        for kind in marks["weft"]:
            print("".join([f"{kind:32}", *(f"{m[kind]:26.3f}" for m in marks.values())]))
        for row in (r for r in rows if r["unit"] == "pages/s"):
            goal = f"   (asked: {row['floor_ratio']:.2f})" if row["floor_ratio"] else ""
            print(f"{row['case']:40} {row['ours']:8.1f} / {row['peer']:8.1f} pages/s = {row['ratio']:.3f}{goal}")
    return int(any(r["floor_ratio"] and r["ratio"] < r["floor_ratio"] for r in rows))


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--json", action="store_true")
    ap.add_argument("--data")
    ap.add_argument("--rounds", type=int, default=3)
    a = ap.parse_args()
    sys.exit(main(a.json, a.data, a.rounds))
