"""The gate: on the generated demo web, whose truth is known, quality cannot slip unseen."""

from __future__ import annotations

import re
from collections import Counter

import pyarrow.parquet as pq
import pytest

import demo
from demo.archive import capture
from pipelines.web.page import extract

TEXT_F1 = 0.98  # 1.00 when written
IMAGE_PRECISION, IMAGE_RECALL = 0.95, 0.98


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    web = demo.build(tmp_path_factory.mktemp("gate"), pages=120, seed=3)
    table = pq.read_table(web.pages_truth).to_pylist()
    rows = [r for r in table if r["text"] and r["charset"].startswith("utf-8") and r["role"] != "encoded"]
    return [(r, extract(capture(web.web, web.web.page(r["page"])).response.body, r["url"])) for r in rows]


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


def test_text(read):
    scores = []
    for row, page in read:
        a, b = words(" ".join(n.text for n in page.nodes)), words(row["text"])
        scores.append(2 * sum((a & b).values()) / (sum(a.values()) + sum(b.values())))
    assert len(scores) > 80 and sum(scores) / len(scores) >= TEXT_F1


def test_images_and_their_order(read):
    right = extra = lost = 0
    for row, page in read:
        found = [n.url for n in page.nodes if n.kind == "image"]
        true = [u for u in row["images"] if u.startswith("http")]
        right, extra, lost = right + len(set(found) & set(true)), extra + len(set(found) - set(true)), lost + len(set(true) - set(found))
        assert [u for u in found if u in true] == [u for u in true if u in found]
    assert right > 200 and right / (right + extra) >= IMAGE_PRECISION and right / (right + lost) >= IMAGE_RECALL
