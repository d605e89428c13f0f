"""The SFT builder: pictures shared, turns shuffled, evaluation sets left out by the deduplication's own judgement."""

from __future__ import annotations

import hashlib
import io
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pipelines.images.pdq import pdq
from trainer.sft import SftError, prepare, rows_of
from trainer.text import Bytes, chat_nodes
from weft.main import main

QUESTION = "how many of the small red birds sit on the left branch of the old oak tree today"


def busy(seed: int, side: int = 512) -> Image.Image:
    """A picture with structure: PDQ needs some."""
    r = np.random.default_rng(seed)
    return Image.fromarray(r.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def write(folder: Path, rows: list[dict]) -> str:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(folder / "rows.jsonl")


def turns(*names: str) -> list[dict]:
    return [{"user": f"q {n}", "assistant": f"a {n}"} for n in names]


def test_rows_on_the_same_pictures_become_one_shuffled_conversation(tmp_path: Path):
    (tmp_path / "p").mkdir()
    busy(1).save(tmp_path / "p" / "a.png")
    rows = [{"images": ["a.png"], "texts": turns(*"abcd")}, {"images": [], "texts": turns("x")}, {"images": ["a.png"], "texts": turns(*"efgh")},
            {"images": [], "texts": turns("y")}, {"images": ["gone.png"], "texts": turns("z")}]  # fmt: skip
    out = tmp_path / "out.jsonl"
    made = []
    for seed, ordered in ((0, False), (0, False), (1, False), (0, True)):
        counts = prepare(rows_of(write(tmp_path, rows), ""), str(tmp_path / "p"), str(out), seed=seed, ordered=ordered)
        assert counts == {"rows": 5, "conversations": 3, "turns": 10, "contaminated": 0, "unreadable": 1}
        made.append([json.loads(x) for x in out.read_text().splitlines()])
    asked = [[t["user"] for t in m[0]["texts"]] for m in made]
    assert asked[0] == asked[1] != asked[2] and asked[3] == [f"q {c}" for c in "abcdefgh"] and sorted(asked[0]) == asked[3] != asked[0]
    assert made[0][0]["images"] == ["p/a.png"] and made[0][0]["sizes"] == [[512, 512]]
    assert sum(n.ids is None for n in chat_nodes(made[0][0], Bytes())) == 1


def test_evaluation_sets_are_left_out_by_words_bytes_and_looks(tmp_path: Path, capsys: pytest.CaptureFixture):
    p = tmp_path / "p"
    p.mkdir()
    for i in range(4):
        busy(i).save(p / f"{i}.png")
    busy(1).resize((300, 300)).save(p / "1.jpg", quality=70)  # resized and coded again
    (tmp_path / "exam.sha256").write_text(hashlib.sha256((p / "0.png").read_bytes()).hexdigest())
    (tmp_path / "exam.pdq").write_text(pdq(np.asarray(busy(1).convert("L")))[0])
    (tmp_path / "other.txt").write_text(QUESTION)
    rows = [{"images": [n], "texts": turns("x")} for n in ("0.png", "1.jpg", "2.png")]
    rows += [{"images": ["3.png"], "texts": [{"user": QUESTION.upper() + "?", "assistant": "two"}]}]
    file, out = write(tmp_path, rows), tmp_path / "o.jsonl"
    sets = [str(tmp_path / n) for n in ("exam.sha256", "exam.pdq", "other.txt")]
    assert main(["train", "sft", file, "--images", str(p), "--to", str(out), "--json", "--evaluation", *sets]) == 0
    assert json.loads(capsys.readouterr().out)["contaminated"] == 3
    assert [json.loads(x)["images"] for x in out.read_text().splitlines()] == [["p/2.png"]]


def test_the_cauldrons_parquet(tmp_path: Path):
    raw = io.BytesIO()
    busy(3).save(raw, "PNG")
    row = {"images": [{"bytes": raw.getvalue(), "path": None}], "texts": [{"user": "q", "assistant": "a", "source": "s"}]}
    pq.write_table(pa.Table.from_pylist([row] * 3), tmp_path / "t.parquet")
    counts = prepare(rows_of(str(tmp_path / "t.parquet"), str(tmp_path / "p")), str(tmp_path / "p"), str(tmp_path / "o.jsonl"))
    assert counts["conversations"] == 1 and counts["turns"] == 3 and len(list((tmp_path / "p").iterdir())) == 1


def test_a_broken_row_is_named(tmp_path: Path):
    (tmp_path / "r.jsonl").write_text('{"texts": []}\n{"images": ["a"]}\n')
    with pytest.raises(SftError, match=r"r\.jsonl:2"):
        list(rows_of(str(tmp_path / "r.jsonl"), ""))


def test_shuffles_do_not_depend_on_the_order_of_rows(tmp_path: Path):
    rows = [{"images": [], "texts": turns(*(f"{n}{c}" for c in "abcdef"))} for n in range(6)]
    got = []
    for seed in range(2):
        some = list(rows)
        random.Random(seed).shuffle(some)
        prepare(some, "", str(tmp_path / "o.jsonl"))
        got.append(sorted((tmp_path / "o.jsonl").read_text().splitlines()))
        rows = [{"images": [], "texts": turns(*(f"{n}{c}" for c in "abcdef"))} for n in range(6)]
    assert got[0] == got[1]
