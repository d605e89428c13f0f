"""A model's answers to questions about pictures: written or chosen among choices, with no examples before them or some; and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from trainer.batch import Batch
from trainer.fewshot import Examples, asked_turn
from trainer.generate import greedy
from trainer.index import Entry, read_bytes, read_json
from trainer.metrics import anls, cider, exact, interval, normal, vqa
from trainer.model.vlm import VLM
from trainer.read import Reader, Row
from trainer.text import IGNORE, Node, chat_nodes


@dataclass(frozen=True)
class Answer:
    key: str
    skill: str
    question: str
    answer: str
    truths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One line, read: its first turn, nodes and decoded pictures, the examples' before its own."""

    entry: Entry
    doc: dict
    nodes: list[Node]  # up to `Assistant:`
    pictures: dict[int, list[torch.Tensor]]

    @property
    def truths(self) -> tuple[str, ...]:
        return tuple(self.doc.get("answers") or [self.doc["texts"][0]["assistant"]])

    def answered(self, answer: str) -> Answer:
        return Answer(self.entry.key, self.doc.get("skill", ""), self.doc["texts"][0]["user"], answer, self.truths)


def questions(reader: Reader, limit: int = 0, examples: Examples | None = None) -> Iterator[Question]:
    """The first turn of every conversation of the reader's first source (kind sft), each with its examples."""
    source, row = reader.sources[0], Row(reader)
    for entry in source.entries[:limit] if limit else source.entries:
        data = read_bytes(entry)
        doc = asked_turn(read_json(entry, data))
        nodes: list[Node] = []
        pictures: dict[int, list[torch.Tensor]] = {}
        shown = examples.of(entry, doc, data) if examples else []
        for e, d, raw in [*shown, (entry, doc, data)]:
            used = chat_nodes(d, reader.tok)
            if e is entry:
                used = used[:-2]
            r = examples.reader if examples and e is not entry else reader
            pictures |= {len(nodes) + i: row.picture(r.images(e, d, raw, n.image), n) for i, n in enumerate(used) if n.ids is None}
            nodes += used
        yield Question(entry, doc, nodes, pictures)


def answers(
    model: VLM, reader: Reader, limit: int = 0, together: int = 16, most: int = 24, examples: Examples | None = None
) -> list[Answer]:
    """What the model writes, greedily, at most `most` tokens; `together` questions at a time.

    A line may carry `skill`, and `answers`: all wordings that are right (default: the assistant's text).
    """
    tok, device = reader.tok, next(model.parameters()).device
    out: list[Answer] = []
    for some in _groups(questions(reader, limit, examples), together):
        row = Row(reader)
        for q in some:
            row.fill(q.nodes, q.pictures, ends=False, cut=False)
        batch = row.done().to(device)
        batch.labels.fill_(IGNORE)
        for q, ids in zip(some, greedy(model, batch, {tok.end, tok.eos}, most), strict=True):
            out.append(q.answered(tok.decode(ids).strip()))
    return out


@torch.no_grad()
def chosen(model: VLM, reader: Reader, limit: int = 0, together: int = 4, examples: Examples | None = None) -> list[Answer]:
    """The likeliest of each line's `choices`, by mean log-probability per token of the answer (multiple choice).

    ValueError for a line without choices.
    """
    model.eval()
    tok, device = reader.tok, next(model.parameters()).device
    out: list[Answer] = []
    for some in _groups(questions(reader, limit, examples), together):
        row, spans = Row(reader), []
        for q in some:
            if len(q.doc.get("choices") or []) < 2:
                raise ValueError(f"{q.entry.file}: {q.entry.key} has no two `choices` to choose among")
            for choice in q.doc["choices"]:
                said = [*tok.encode(" " + choice), tok.end]
                row.fill([*q.nodes, Node(said, answer=True)], q.pictures, ends=False, cut=False)
                spans.append(len(said))
        scores = _mean_log_probability(model, row.done().to(device), spans)
        for q in some:
            here, scores = scores[: len(q.doc["choices"])], scores[len(q.doc["choices"]) :]
            out.append(q.answered(q.doc["choices"][max(range(len(here)), key=lambda i: (here[i], -i))]))
    return out


def _mean_log_probability(model: VLM, batch: Batch, last: list[int]) -> list[float]:
    """Of the last tokens of every document of the batch, so many as `last` says."""
    h = model.hidden(batch)
    out = []
    for end, n in zip(batch.cu[1:], last, strict=True):
        logs = model.head(h[end - n - 1 : end - 1]).float().log_softmax(-1)
        out.append(logs.gather(1, batch.tokens[end - n : end, None]).mean().item())
    return out


def _groups(items: Iterator[Question], size: int) -> Iterator[list[Question]]:
    some: list[Question] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def table(got: Sequence[Answer], metric: str = "exact") -> list[dict]:
    """One row per skill and one for all: n, score, 95 % interval, and the chance level (always the commonest answer)."""
    score = {"exact": exact, "vqa": vqa, "anls": anls}.get(metric)
    marks = cider([a.answer for a in got], [a.truths for a in got]) if metric == "cider" else [score(a.answer, a.truths) for a in got]
    rows = []
    for skill in [*sorted({a.skill for a in got} - {""}), "all"]:
        here = [(a, m) for a, m in zip(got, marks, strict=True) if skill in ("all", a.skill)]
        mean, low, high = interval([m for _, m in here])
        commonest = Counter(normal(a.truths[0]) for a, _ in here).most_common(1)[0][1] / len(here) if here else float("nan")
        rows.append({"skill": skill, "n": len(here), metric: mean, "low": low, "high": high, "chance": commonest})
    return rows
