"""Files of the standard benchmarks, as their makers publish them, into question lines (kind sft) beside the pictures.

A line: {"images", "sizes", "texts": [{"user", "assistant"}], "answers": [...], "skill", "choices" where there are any}. Prompts are
Idefics2's (arXiv 2405.02246, A.3.1): the question and a wish for a brief answer; choices by letter.
"""

from __future__ import annotations

import ast
import base64
import csv
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

BRIEF = "\nGive a very brief answer."
CAPTION = "Describe the image in one short sentence."
LETTERS = "ABCDEFGHIJ"
METRIC = {
    "vqav2": "vqa", "okvqa": "vqa", "textvqa": "vqa", "docvqa": "anls", "coco": "cider", "mmbench": "exact", "mmmu": "exact",
}  # fmt: skip


class BenchmarkError(ValueError):
    """A benchmark's file is not as its makers publish it; names the file and what was missing."""


def convert(kind: str, files: Sequence[str], images: str, out: str) -> dict[str, int]:
    """Write `out` (JSON lines) from a benchmark's files; `images` is its picture folder and must lie below `out`'s folder.

    vqav2, okvqa: questions.json and annotations.json; textvqa, docvqa: one .json; coco: captions_*.json; mmbench: one .tsv; mmmu: .parquet
    files of the data set (the pictures inside the last two are written into `images`). Pictures that cannot be found are counted, not
    silently left out. Returns counts. Raises BenchmarkError.
    """
    from PIL import Image

    if kind not in READERS:
        raise BenchmarkError(f"unknown benchmark {kind!r}: {', '.join(READERS)}")
    root = os.path.dirname(os.path.abspath(out))
    if os.path.commonpath([root, os.path.abspath(images)]) != root:
        raise BenchmarkError(f"{images} must lie below {root}: lines name pictures relative to their own file")
    counts = {"questions": 0, "without_picture": 0}
    part = f"{out}.part"
    os.makedirs(root, exist_ok=True)
    with open(part, "w", encoding="utf-8") as f:
        try:
            for row in READERS[kind](files, images):
                sizes = []
                for name in row["images"]:
                    try:
                        with Image.open(os.path.join(images, name)) as im:
                            sizes.append(list(im.size))
                    except OSError:
                        break
                if len(sizes) < len(row["images"]):
                    counts["without_picture"] += 1
                    continue
                names = [os.path.relpath(os.path.join(images, n), root) for n in row["images"]]
                f.write(json.dumps({**row, "images": names, "sizes": sizes}, ensure_ascii=False, sort_keys=True) + "\n")
                counts["questions"] += 1
        except (KeyError, TypeError, IndexError) as e:
            raise BenchmarkError(f"{', '.join(files)}: not as {kind} publishes it ({type(e).__name__}: {e})") from e
    if not counts["questions"]:
        os.remove(part)
        raise BenchmarkError(f"{', '.join(files)}: no question with a picture in {images} ({counts['without_picture']} without)")
    os.replace(part, out)
    return counts


def line(images: list[str], user: str, answers: list[str], skill: str = "", choices: list[str] | None = None) -> dict[str, Any]:
    """A question line without sizes; the commonest answer is the one shown where the line serves as an example."""
    shown = Counter(answers).most_common(1)[0][0]
    row = {"images": images, "texts": [{"user": user, "assistant": shown}], "answers": answers, "skill": skill}
    return {**row, "choices": choices} if choices else row


def lettered(question: str, options: Sequence[str]) -> tuple[str, list[str]]:
    """The question with its options by letter, and the letters."""
    letters = list(LETTERS[: len(options)])
    shown = "\n".join(f"{a}. {o}" for a, o in zip(letters, options, strict=True))
    return f"{question}\n{shown}\nAnswer with the letter.", letters


def _file(*parts: object) -> str:
    """A file's name out of a table's fields: nothing that could lead elsewhere."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", ".".join(map(str, parts[:-1]))) + f".{parts[-1]}"


def _json(file: str) -> Any:
    try:
        with open(file, encoding="utf-8") as f:
            return json.load(f)
    except ValueError as e:
        raise BenchmarkError(f"{file}: {e}") from e


def _vqav2(files: Sequence[str], images: str) -> Iterator[dict]:
    """COCO pictures: `COCO_val2014_000000000042.jpg`, with the subset that the file names."""
    parts = [_json(f) for f in files]
    asked = next((p for p in parts if "questions" in p), None)
    judged = next((p for p in parts if "annotations" in p), None)
    if asked is None or judged is None:
        raise BenchmarkError(f"{', '.join(files)}: one file with `questions` and one with `annotations` are needed")
    by_id = {a["question_id"]: a for a in judged["annotations"]}
    subset = asked.get("data_subtype") or judged.get("data_subtype") or "val2014"
    for q in asked["questions"]:
        a = by_id[q["question_id"]]
        name = f"COCO_{subset}_{q['image_id']:012d}.jpg"
        yield line([name], q["question"] + BRIEF, [x["answer"] for x in a["answers"]], a.get("answer_type", ""))


def _textvqa(files: Sequence[str], images: str) -> Iterator[dict]:
    for q in _json(files[0])["data"]:
        yield line([f"{q['image_id']}.jpg"], q["question"] + BRIEF, list(q["answers"]))


def _docvqa(files: Sequence[str], images: str) -> Iterator[dict]:
    for q in _json(files[0])["data"]:
        name = q["image"] if os.path.exists(os.path.join(images, q["image"])) else os.path.basename(q["image"])
        for skill in (q.get("question_types") or [""])[:1]:
            yield line([name], q["question"] + BRIEF, list(q["answers"]), skill)


def _coco(files: Sequence[str], images: str) -> Iterator[dict]:
    raw = _json(files[0])
    said: dict[int, list[str]] = {}
    for a in raw["annotations"]:
        said.setdefault(a["image_id"], []).append(a["caption"].strip())
    for im in raw["images"]:
        if im["id"] in said:
            yield line([im["file_name"]], CAPTION, said[im["id"]])


def _mmbench(files: Sequence[str], images: str) -> Iterator[dict]:
    """Pictures are base64 in the table; a short `image` is the index of the row that has it."""
    csv.field_size_limit(sys.maxsize)
    os.makedirs(images, exist_ok=True)
    with open(files[0], encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            options = [row[x] for x in LETTERS[:4] if row.get(x)]
            prompt = f"{row['hint']}\n{row['question']}" if row.get("hint") else row["question"]
            user, letters = lettered(prompt, options)
            name = _file(row["index"], "jpg")
            if len(row["image"]) > 64:
                with open(os.path.join(images, name), "wb") as g:
                    g.write(base64.b64decode(row["image"]))
            else:
                name = _file(row["image"], "jpg")
            yield line([name], user, [row["answer"]], row.get("category", ""), letters)


def _mmmu(files: Sequence[str], images: str) -> Iterator[dict]:
    """Rows of the published parquet; open questions (no options) keep their wording."""
    import pyarrow.parquet as pq

    os.makedirs(images, exist_ok=True)
    for file in files:
        for row in pq.read_table(file).to_pylist():
            names = []
            for n in range(1, 8):
                picture = row.get(f"image_{n}")
                if picture and picture["bytes"]:
                    names.append(_file(row["id"], n, "png"))
                    with open(os.path.join(images, names[-1]), "wb") as g:
                        g.write(picture["bytes"])
            options = ast.literal_eval(row["options"]) if isinstance(row["options"], str) else list(row["options"])
            skill = row["id"].removeprefix("validation_").removeprefix("test_").removeprefix("dev_").rsplit("_", 1)[0]
            user, letters = lettered(row["question"], options) if options else (row["question"] + BRIEF, None)
            truths = ast.literal_eval(row["answer"]) if row["answer"].startswith("[") else [row["answer"]]
            yield line(names, user, [str(t) for t in truths], skill, letters)


READERS: dict[str, Callable[[Sequence[str], str], Iterator[dict]]] = {
    "vqav2": _vqav2, "okvqa": _vqav2, "textvqa": _textvqa, "docvqa": _docvqa, "coco": _coco, "mmbench": _mmbench, "mmmu": _mmmu,
}  # fmt: skip
