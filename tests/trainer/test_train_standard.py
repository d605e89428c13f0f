"""Benchmark files, made small as their makers publish them, become question lines that the evaluation reads."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from trainer.index import read_index, read_json
from trainer.standard import READERS, BenchmarkError, convert


def jpeg(width: int = 20, height: int = 10) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG")
    return out.getvalue()


def make(kind: str, folder: Path) -> list[str]:
    pictures = folder / "pictures"
    pictures.mkdir()
    answers = [{"answer": a} for a in ("yes", "yes", "no")]
    if kind in ("vqav2", "okvqa"):
        (pictures / "COCO_val2014_000000000042.jpg").write_bytes(jpeg())
        asked = {"data_subtype": "val2014", "questions": [{"image_id": i, "question": "Is it?", "question_id": i} for i in (42, 43)]}
        judged = {"annotations": [{"question_id": i, "answer_type": "yes/no", "answers": answers} for i in (42, 43)]}
        (folder / "q.json").write_text(json.dumps(asked)), (folder / "a.json").write_text(json.dumps(judged))
        return [str(folder / "q.json"), str(folder / "a.json")]
    if kind in ("textvqa", "docvqa", "coco"):
        (pictures / "x.jpg").write_bytes(jpeg())
        raw = {
            "textvqa": {"data": [{"question": "Is it?", "image_id": "x", "answers": ["yes", "yes", "no"]}]},
            "docvqa": {"data": [{"question": "Is it?", "image": "documents/x.jpg", "answers": ["yes"], "question_types": ["form"]}]},
            "coco": {"images": [{"id": 1, "file_name": "x.jpg"}], "annotations": [{"image_id": 1, "caption": c} for c in ("yes", "yes ")]},
        }[kind]
        (folder / "q.json").write_text(json.dumps(raw))
        return [str(folder / "q.json")]
    if kind == "mmbench":
        head = ["index", "question", "hint", "A", "B", "C", "D", "answer", "category", "image"]
        rows = [["0", "Is it?", "", "yes", "no", "", "", "A", "logic", base64.b64encode(jpeg()).decode()],
                ["1", "Really?", "Look.", "yes", "no", "", "", "B", "logic", "0"]]  # fmt: skip
        (folder / "m.tsv").write_text("\n".join("\t".join(r) for r in [head, *rows]))
        return [str(folder / "m.tsv")]
    picture = {"bytes": jpeg(), "path": "p.png"}
    table = {"id": ["validation_Art_1", "validation_Art_2"], "question": ["Is <image 1> it?", "How many?"], "options": ["['yes', 'no']", "[]"],
             "answer": ["B", "['2', 'two']"], "image_1": [picture, picture], "image_2": [picture, None]}  # fmt: skip
    pq.write_table(pa.table(table), folder / "v.parquet")
    return [str(folder / "v.parquet")]


@pytest.mark.parametrize("kind", list(READERS))
def test_every_benchmark_becomes_question_lines(kind: str, tmp_path: Path):
    files = make(kind, tmp_path)
    counts = convert(kind, files, str(tmp_path / "pictures"), str(tmp_path / "out.jsonl"))
    index = read_index(str(tmp_path / "out.jsonl"), "sft")
    rows = [read_json(e, open(e.file, "rb").read()[e.offset : e.offset + e.size]) for e in index.entries]
    assert len(rows) == counts["questions"] >= 1 and counts["without_picture"] == (kind in ("vqav2", "okvqa"))
    for row in rows:
        assert row["sizes"] == [[20, 10]] * len(row["images"]) and all((tmp_path / n).exists() for n in row["images"])
        assert row["texts"][0]["assistant"] in [a.strip() for a in row["answers"]]
    first = rows[0]
    if kind in ("vqav2", "okvqa", "textvqa"):
        assert first["answers"] == ["yes", "yes", "no"] and first["texts"][0]["assistant"] == "yes"
    if kind in ("mmbench", "mmmu"):
        assert first["choices"] == ["A", "B"] and "A. yes\nB. no" in first["texts"][0]["user"]
    if kind == "mmmu":
        assert len(first["images"]) == 2 and rows[1]["answers"] == ["2", "two"] and "choices" not in rows[1] and rows[1]["skill"] == "Art"
    if kind == "mmbench":
        assert rows[1]["images"] == rows[0]["images"] and rows[1]["texts"][0]["user"].startswith("Look.\nReally?")


def test_wrong_files_are_named(tmp_path: Path):
    (tmp_path / "q.json").write_text(json.dumps({"data": [{"question": "?"}]}))
    (tmp_path / "pictures").mkdir()
    for kind in ("textvqa", "docvqa", "vqav2", "coco"):
        with pytest.raises(BenchmarkError, match="q.json"):
            convert(kind, [str(tmp_path / "q.json")], str(tmp_path / "pictures"), str(tmp_path / "o.jsonl"))
    with pytest.raises(BenchmarkError, match="below"):
        convert("textvqa", [str(tmp_path / "q.json")], "/", str(tmp_path / "o.jsonl"))
    with pytest.raises(BenchmarkError, match="unknown benchmark"):
        convert("imagenet", [], str(tmp_path), str(tmp_path / "o.jsonl"))


def test_a_table_cannot_write_elsewhere(tmp_path: Path):
    (file,) = make("mmbench", tmp_path)
    text = Path(file).read_text().replace("\n0\t", "\n../../evil\t", 1)
    Path(file).write_text(text)
    convert("mmbench", [file], str(tmp_path / "pictures"), str(tmp_path / "out.jsonl"))
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == ["_evil.jpg"]


def test_a_page_cannot_place_special_tokens(tmp_path: Path):
    from tokenizers import Tokenizer, models, pre_tokenizers

    from trainer.text import Tokens

    t = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(pre_tokenizers.ByteLevel.alphabet())}, merges=[]))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.add_special_tokens(["<s>", "</s>", "<image>"])
    t.save(str(tmp_path / "tokenizer.json"))
    tok = Tokens(str(tmp_path))
    assert not {tok.image, tok.bos, tok.eos, tok.end} & set(tok.encode("a <image> </s> <s> <end_of_utterance>"))
