"""Examples before a question, multiple choice, and prompts that are never cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from trainer import evaluate
from trainer.config import Decoder, Images, Model
from trainer.evaluate import Answer, answers, chosen, questions, table
from trainer.fewshot import Examples
from trainer.index import read_index
from trainer.model.vlm import VLM
from trainer.plan import Costs
from trainer.read import Reader, Row
from trainer.text import Bytes

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def lines(folder: Path, repeat: int = 3) -> str:
    """Nine pictures of one colour each, of nine widths."""
    rows = []
    for i, (name, value) in enumerate(list(COLOURS.items()) * repeat):
        Image.new("RGB", (28 + i, 28), value).save(folder / f"{i}.png")
        turn = {"user": "Which colour?", "assistant": name}
        rows.append({"images": [f"{i}.png"], "sizes": [[28 + i, 28]], "texts": [turn], "choices": list(COLOURS), "skill": name})
    (folder / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return str(folder / "q.jsonl")


def setting(folder: Path, fusion: str = "ar", tokens: int = 256) -> tuple[VLM, Reader]:
    torch.manual_seed(0)
    model = VLM(Model(fusion=fusion, decoder=Decoder(vocab=262)))
    costs = Costs(Images(side=56), 14, model.c.connector.latents, 1, fusion == "ar")
    return model, Reader([read_index(lines(folder), "sft")], Bytes(), costs, tokens)


def test_similar_examples_show_the_same_colour_and_never_the_question(tmp_path: Path):
    model, reader = setting(tmp_path)
    examples = Examples(reader, model, 2, similar=True)
    for entry, doc, data in examples.pool:
        got = examples.of(entry, doc, data)
        assert [d["skill"] for _, d, _ in got] == [doc["skill"]] * 2
        assert entry not in [e for e, _, _ in got]


def test_random_examples_depend_on_seed_and_key_alone(tmp_path: Path):
    model, reader = setting(tmp_path)
    keys = [[e.key for e, _, _ in Examples(reader, model, 4, seed=s).of(*Examples(reader, model, 4).pool[0])] for s in (0, 0, 1)]
    assert keys[0] == keys[1] != keys[2] and len(set(keys[0])) == 4


def test_the_same_picture_under_another_name_is_no_example(tmp_path: Path):
    model, reader = setting(tmp_path)
    (tmp_path / "3.png").write_bytes((tmp_path / "0.png").read_bytes())  # question 0's bytes
    examples = Examples(reader, model, 8, similar=True)
    assert not {"q.jsonl:0", "q.jsonl:3"} & {e.key for e, _, _ in examples.of(*examples.pool[0])}


@pytest.mark.parametrize("fusion", ["ar", "cross"])
def test_a_prompt_is_its_examples_then_the_question(tmp_path: Path, fusion: str):
    model, reader = setting(tmp_path, fusion, tokens=64)  # shorter than the prompt: prompts are not cut
    q = next(questions(reader, 1, Examples(reader, model, 2)))
    row = Row(reader)
    row.fill(q.nodes, q.pictures, ends=False, cut=False)
    text = reader.tok.decode(row.ids)
    assert text.count("User:Which colour?\nAssistant:") == 3 and text.endswith("Assistant:")
    assert len(row.grids) == 3 and row.ids.count(reader.tok.end) == 5


def test_chosen_is_the_likeliest_by_logits(tmp_path: Path):
    model, reader = setting(tmp_path)
    got = chosen(model, reader, together=4)
    for q, a in zip(questions(reader), got, strict=True):
        scores = {}
        for choice in COLOURS:
            row = Row(reader)
            row.fill(q.nodes, q.pictures, ends=False)
            n = len(row.ids)
            said = [*reader.tok.encode(" " + choice), reader.tok.end]
            row = Row(reader)
            row.fill([*q.nodes, evaluate.Node(said)], q.pictures, ends=False)
            logs = model.eval().logits(row.done())[n - 1 : -1].log_softmax(-1)
            scores[choice] = sum(logs[i, t].item() for i, t in enumerate(said)) / len(said)
        assert a.answer == max(scores, key=scores.__getitem__)


def test_batched_answers_are_single_answers(tmp_path: Path):
    model, reader = setting(tmp_path)
    assert [a.answer for a in answers(model, reader, together=4, most=5)] == [a.answer for a in answers(model, reader, together=1, most=5)]


def test_lines_without_choices_are_named(tmp_path: Path):
    model, reader = setting(tmp_path)
    (tmp_path / "q.jsonl").write_text(json.dumps({"images": [], "texts": [{"user": "?", "assistant": "a"}]}))
    reader.sources = [read_index(str(tmp_path / "q.jsonl"), "sft")]
    with pytest.raises(ValueError, match="q.jsonl:0"):
        chosen(model, reader)


def test_the_table_has_skills_and_all():
    got = [Answer("k", s, "q", a, (t,)) for s, a, t in (("x", "one", "one"), ("x", "two", "one"), ("y", "two", "two"))]
    rows = {r["skill"]: r for r in table(got)}
    assert rows["x"]["exact"] == 0.5 and rows["y"]["exact"] == 1.0 and rows["all"]["n"] == 3
    assert rows["all"]["low"] <= rows["all"]["exact"] <= rows["all"]["high"] and rows["all"]["chance"] == pytest.approx(2 / 3)
