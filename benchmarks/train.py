"""Ten minutes of training on the demo web's shards, curated and uncurated, then questions: `weft bench train`.

    python -m benchmarks.train [-o FOLDER] [--pages 5000] [--steps N] [--asked 450] [--json]

Both models start from the same random weights and read the same number of tokens by the same recipe (configs/recipes/demo-pages.toml;
its steps are about ten minutes of CPU time on one core). One reads the shards that the pipeline makes with all its rules, the other those
of the same web with every rule and dedup off. Of a page both read the pictures, each before the paragraphs beside it, and the first 12
words of those (most captions end there). Both are asked to go on with captions of held-out scenes (`ablation.cloze`), among the words
that could stand there; and once more with the pictures exchanged among the questions of a skill, which shows what a model answers
without looking. Exit status 1 unless the curated model is above chance, and above the uncurated one, beyond the 95 % intervals of all
questions. Both trainings run at the same time, one thread each; a killed one goes on from its checkpoint.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import multiprocessing
import os
import sys
import time
from importlib.resources import files
from typing import Any

ARMS = ("curated", "uncurated")
WORDS = 12
SEEN = 150  # of each skill, the first questions were looked at while the recipe was made: they are not asked


def shortened(pages: str) -> str:
    """The pages with the first words of every paragraph, as another file beside them."""
    out = os.path.join(os.path.dirname(pages), f"first-{WORDS}.jsonl")
    with open(pages, encoding="utf-8") as f:
        rows = [jsonlib.loads(line) for line in f]
    for row in rows:
        row["texts"] = [" ".join(t.split()[:WORDS]) if t else None for t in row["texts"]]
    with open(f"{out}.{os.getpid()}.part", "w", encoding="utf-8") as f:
        f.writelines(jsonlib.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)
    os.replace(f"{out}.{os.getpid()}.part", out)
    return out


def fresh(questions: str) -> str:
    """The questions after the first SEEN of each skill, as another file beside them."""
    out = os.path.join(os.path.dirname(questions), "fresh.txt")  # not .jsonl: a folder's .jsonl files are read as one source
    seen: dict[str, int] = {}
    with open(questions, encoding="utf-8") as f, open(f"{out}.{os.getpid()}.part", "w", encoding="utf-8") as g:
        for line in f:
            skill = jsonlib.loads(line)["skill"]
            seen[skill] = seen.get(skill, 0) + 1
            if seen[skill] > SEEN:
                g.write(line)
    os.replace(f"{out}.{os.getpid()}.part", out)
    return out


def exchanged(questions: str) -> str:
    """The questions, each with the picture of the next one of its skill, as another file beside them."""
    out = os.path.join(os.path.dirname(questions), "exchanged.txt")
    with open(questions, encoding="utf-8") as f:
        rows = [jsonlib.loads(line) for line in f]
    by_skill: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_skill.setdefault(row["skill"], []).append(row)
    with open(f"{out}.{os.getpid()}.part", "w", encoding="utf-8") as f:
        for some in by_skill.values():
            for row, other in zip(some, [*some[1:], some[0]], strict=True):
                f.write(jsonlib.dumps({**row, "images": other["images"], "size": other["size"]}, sort_keys=True) + "\n")
    os.replace(f"{out}.{os.getpid()}.part", out)
    return out


def prepare(folder: str, pages: int, asked: int) -> dict[str, str]:
    """Pages of both curations, one tokenizer for both (trained on the uncurated pages), and the questions."""
    from ablation import cloze, web, words
    from demo.scenes import COLOURS, SHAPES

    out = {c.key: os.path.join(web.curate(c, os.path.join(folder, "web"), pages), "pages.jsonl") for c in web.CURATIONS if c.key in ARMS}
    out = {key: shortened(file) for key, file in out.items()}
    out["tokenizer"] = os.path.join(folder, "tokenizer.json")
    if not os.path.exists(out["tokenizer"]):
        with open(out["uncurated"], encoding="utf-8") as f:
            texts = [t for line in f for t in jsonlib.loads(line)["texts"] if t]
        words.train(texts, {*web.SAID, *COLOURS, *SHAPES}, out["tokenizer"])
    out["questions"] = fresh(os.path.join(cloze.write(asked + SEEN, os.path.join(folder, f"questions-{asked + SEEN}")), "cloze.jsonl"))
    out["exchanged"] = exchanged(out["questions"])
    return out


def arm(args: tuple[str, str, dict[str, str], int]) -> dict[str, Any]:
    """Train one model and ask it."""
    import torch

    from ablation import cloze, score
    from trainer.config import load
    from trainer.index import read_index
    from trainer.read import Reader
    from trainer.restore import restore
    from trainer.setup import costs
    from trainer.train import train

    torch.set_num_threads(1)
    folder, name, paths, steps = args
    out = os.path.join(folder, f"model-{name}")
    own = [
        f'data.sources=[{{path={jsonlib.dumps(paths[name])}, kind="pages", name="pages"}}]', f"data.tokenizer={jsonlib.dumps(paths['tokenizer'])}",
        f"run.out={jsonlib.dumps(out)}", *([f"stage.steps={steps}"] if steps else []),
    ]  # fmt: skip
    recipe = load(str(files("configs") / "recipes" / "demo-pages.toml"), own)
    began, cpu = time.time(), time.process_time()
    loss = train(recipe).last_loss
    took, cpu = time.time() - began, time.process_time() - cpu
    model, tok = restore(out)
    asked = {}
    for what in ("questions", "exchanged"):
        reader = Reader([read_index(paths[what], "sft")], tok, costs(model.c, recipe.stage[0]), 1 << 30)
        asked[what] = score.tally(cloze.marks(model, reader))
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as f:
        rows = [jsonlib.loads(line) for line in f]
    total = {k: sum(r[k] for r in rows) for k in ("tokens", "images")}
    about = {"steps": len(rows), "parameters": sum(p.numel() for p in model.parameters())}
    return {
        "arm": name,
        "loss": loss,
        "wall_s": took,
        "cpu_s": cpu,
        **total,
        **about,
        "scores": asked["questions"],
        "blind": asked["exchanged"],
    }


def cells(scores: dict[str, dict[str, list[int]]]) -> dict[str, list[int]]:
    """[right, asked] by skill, and of all."""
    out = {skill: c[""] for skill, c in scores.items()}
    return {**out, "all": [sum(c[i] for c in out.values()) for i in (0, 1)]}


def verdict(results: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """One row per arm and skill (and `all`), and whether curated is above chance and above uncurated beyond the intervals."""
    from ablation.cloze import CHANCE
    from ablation.score import wilson

    rows: list[dict[str, Any]] = []
    for r in results:
        found, blind = cells(r["scores"]), cells(r["blind"])
        chance = {**CHANCE, "all": sum(CHANCE[s] * c[1] for s, c in found.items() if s != "all") / found["all"][1]}
        for skill, (right, of) in found.items():
            low, high = wilson(right, of)
            rows.append({
                "case": f"{r['arm']}: {skill}", "arm": r["arm"], "skill": skill, "ours": round(right / of, 4), "peer": round(chance[skill], 4),
                "peer_name": "chance", "unit": "", "ratio": round(right / of / chance[skill], 3), "floor_ratio": None, "n": of, "low": round(low, 4),
                "high": round(high, 4), "blind": round(blind[skill][0] / of, 4), "note": f"{low:.3f} to {high:.3f}, n {of}",
            })  # fmt: skip
    a, b = (next(x for x in rows if x["arm"] == arm and x["skill"] == "all") for arm in ARMS)
    return rows, a["low"] > a["peer"] and a["low"] > b["high"]


def main(folder: str = "bench-train", pages: int = 5000, steps: int = 0, asked: int = 450, json: bool = False) -> int:
    paths = prepare(folder, pages, asked)
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        results = pool.map(arm, [(folder, name, paths, steps) for name in ARMS])
    rows, good = verdict(results)
    if json:
        print(jsonlib.dumps([*rows, {"arms": results, "pages": pages, "ok": good}], indent=1))
        return 0 if good else 1
    for r in results:
        print(
            f"{r['arm']:10} loss {r['loss']:.3f}  {r['tokens']:,.0f} tokens  {r['images']:,.0f} pictures  {r['wall_s']:.0f} s, {r['cpu_s']:.0f} s of CPU"
        )
    print(f"\n{'arm':10} {'skill':9} {'of':>5}  share   95 % interval   chance   pictures exchanged")
    for x in rows:
        print(
            f"{x['arm']:10} {x['skill']:9} {x['n']:>5}  {x['ours']:.3f}   {x['low']:.3f} - {x['high']:.3f}   {x['peer']:.3f}    {x['blind']:.3f}"
        )
    print(
        "\ncurated is above chance and above uncurated, beyond the intervals"
        if good
        else "\nNOT shown: curated above chance and above uncurated beyond the intervals"
    )
    return 0 if good else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="bench-train")
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=0, help="instead of the recipe's")
    parser.add_argument("--asked", type=int, default=450, help="questions per skill")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    sys.exit(main(a.output, a.pages, a.steps, a.asked, a.json))
