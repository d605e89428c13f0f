"""Ten minutes of training on the demo web, curated and uncurated, then questions: `weft bench train`.

    python -m benchmarks.train [-o FOLDER] [--pages 1000] [--steps N] [--json]

Both models start from the same random weights and read the same number of tokens by the same recipe
(configs/recipes/demo-pages.toml, 5,000 steps: about ten minutes on a core of its own). One reads the shards that the pipeline
makes with all its rules, the other those with every rule and dedup off. Both are asked to go on with captions of held-out
scenes (`ablation.cloze`). Exit status 1 unless the curated model is above chance, and above the uncurated one, beyond the
95 % intervals of all questions. Both trainings run at the same time, one core each; a killed one goes on from its checkpoint.
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


def prepare(folder: str, pages: int, asked: int) -> dict[str, str]:
    """Pages of both curations, one tokenizer for both (trained on the uncurated pages), and the questions."""
    from ablation import cloze, web, words
    from demo.scenes import COLOURS, SHAPES

    out = {c.key: os.path.join(web.curate(c, os.path.join(folder, "web"), pages), "pages.jsonl") for c in web.CURATIONS if c.key in ARMS}
    out["tokenizer"] = os.path.join(folder, "tokenizer.json")
    if not os.path.exists(out["tokenizer"]):
        with open(out["uncurated"], encoding="utf-8") as f:
            texts = [t for line in f for t in jsonlib.loads(line)["texts"] if t]
        words.train(texts, {*web.SAID, *COLOURS, *SHAPES}, out["tokenizer"])
    out["questions"] = os.path.join(cloze.write(asked, os.path.join(folder, "questions")), "cloze.jsonl")
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
    reader = Reader([read_index(paths["questions"], "sft")], tok, costs(model.c, recipe.stage[0]), 1 << 30)
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as f:
        rows = [jsonlib.loads(line) for line in f]
    total = {k: sum(r[k] for r in rows) for k in ("tokens", "images")}
    return {"arm": name, "loss": loss, "wall_s": took, "cpu_s": cpu, **total, "scores": score.tally(cloze.marks(model, reader))}


def verdict(results: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """One row per arm and skill (and `all`), and whether curated is above chance and above uncurated beyond the intervals."""
    from ablation.cloze import CHANCE
    from ablation.score import wilson

    rows, whole = [], {}
    for r in results:
        cells = {s: c[""] for s, c in r["scores"].items()}
        n = sum(c[1] for c in cells.values())
        chance = sum(CHANCE[s] * c[1] for s, c in cells.items()) / n
        cells["all"] = [sum(c[0] for c in cells.values()), n]
        for skill, (right, of) in cells.items():
            low, high = wilson(right, of)
            rows.append({"arm": r["arm"], "skill": skill, "right": right, "n": of, "share": right / of, "low": low, "high": high, "chance": CHANCE.get(skill, chance)})
        whole[r["arm"]] = rows[-1]
    a, b = whole["curated"], whole["uncurated"]
    return rows, a["low"] > a["chance"] and a["low"] > b["high"]


def main(folder: str = "bench-train", pages: int = 1000, steps: int = 0, asked: int = 150, json: bool = False) -> int:
    paths = prepare(folder, pages, asked)
    with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
        results = pool.map(arm, [(folder, name, paths, steps) for name in ARMS])
    rows, good = verdict(results)
    if json:
        print(jsonlib.dumps({"arms": results, "rows": rows, "good": good}))
        return 0 if good else 1
    for r in results:
        print(f"{r['arm']:10} loss {r['loss']:.3f}  {r['tokens']:,.0f} tokens  {r['images']:,.0f} pictures  {r['wall_s']:.0f} s, {r['cpu_s']:.0f} s of CPU")
    print(f"\n{'arm':10} {'skill':9} {'right':>6} {'of':>5}  share   95 % interval   chance")
    for x in rows:
        print(f"{x['arm']:10} {x['skill']:9} {x['right']:>6} {x['n']:>5}  {x['share']:.3f}   {x['low']:.3f} - {x['high']:.3f}   {x['chance']:.3f}")
    print("\ncurated is above chance and above uncurated, beyond the intervals" if good else "\nNOT shown: curated above chance and above uncurated beyond the intervals")
    return 0 if good else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="bench-train")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=0, help="instead of the recipe's 5,000")
    parser.add_argument("--asked", type=int, default=150, help="questions per skill")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    sys.exit(main(a.output, a.pages, a.steps, a.asked, a.json))
