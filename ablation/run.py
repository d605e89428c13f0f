"""Runs arms: asset by asset, arm by arm, seed by seed; one log line each. What is in the log is not run again."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from ablation.arms import FINDINGS, Arm, arms
from ablation.assets import VERSION, Assets, digest
from ablation.scale import SCALES, Scale
from trainer.config import as_dict, load

LOG = "log.jsonl"


@dataclass(frozen=True)
class Job:
    """One arm with one seed. `key` names its work: equal keys are the same training, done once."""

    arm: Arm
    seed: int
    key: str


def jobs(findings: Iterable[str], seeds: int, scale: Scale, recipe: str) -> list[Job]:
    """All jobs, seed after seed, so that a cut-off run has whole seeds. `recipe`: the base's file.

    The key is a digest of the resolved recipe and of what its assets are made from, so arms that come out equal share it.
    """
    base, out = load(recipe), []
    for seed in range(seeds):
        for a in (a for f in findings for a in arms(f)):
            resolved = load(recipe, overrides(a, base, scale, seed))
            sizes = (scale.cases, scale.asked, scale.tower[a.tower], scale.decoder[a.decoder], scale.pairs, scale.web)
            out.append(Job(a, seed, digest(VERSION, *sizes, as_dict(resolved), a.train, a.ask, a.pages)))
    return out


def overrides(a: Arm, base: Any, scale: Scale, seed: int) -> list[str]:
    """The arm as overrides of the base recipe, without paths."""
    stage = base.stage[0]
    steps = max(2, round(stage.steps * a.steps * (scale.pages_steps if a.pages else 1.0)))
    images = []
    if a.images:
        rule, factor = a.images
        side = round(stage.images.side * factor / base.model.vision.patch) * base.model.vision.patch
        images = [f'stage.images={{rule="{rule}", side={side}}}']
    return [*a.overrides, *images, f"stage.steps={steps}", f"stage.lr={stage.lr * a.lr:g}", f"run.seed={seed}"]


def needs(job: Job) -> list[tuple[str, str]]:
    """Names of the assets of an arm."""
    a = job.arm
    return [("tower", a.tower), ("decoder", a.decoder), ("pages", a.pages) if a.pages else ("cases", a.train), ("asked", a.ask)]


def run(
    findings: list[str],
    folder: str,
    scale: str = "tiny",
    seeds: int = 3,
    workers: int = 1,
    say: Callable[[str], None] = print,
    steps: int = 0,
    minutes: float = 0.0,
) -> list[dict[str, Any]]:
    """Run what is missing in `folder/log.jsonl`; the lines of these findings that are there then.

    `steps`: of every arm instead of its own (tests); `minutes`: begin no arm after so long (0 = no limit).
    """
    _start()
    assets = Assets(folder, SCALES[scale], say)
    os.makedirs(folder, exist_ok=True)
    todo = jobs(findings, seeds, SCALES[scale], assets.recipe_file())
    done = {line["key"]: line for line in read(folder)}
    left = list({j.key: j for j in todo if j.key not in done}.values())
    say(f"{len(todo)} arms, {len({j.key for j in todo})} different, {len(left)} to run")
    roles: dict[str, list[list[str]]] = {}  # every row of the page that an arm fills, whatever was asked for now
    for j in jobs(FINDINGS, seeds, SCALES[scale], assets.recipe_file()):
        roles.setdefault(j.key, []).append([j.arm.finding, j.arm.name])
    began = time.time()
    until = began + 60 * minutes if minutes else float("inf")
    tasks = [(folder, scale, j, steps, until) for j in left]
    if left:
        assets.tokenizer()  # and with it the two curations that all others need
    with Workers(min(workers, max(1, len(left)))) as pool:
        for said in pool.each(_make, [(folder, scale, g) for g in groups(left)]):
            say(said)
        for n, line in enumerate(pool.each(_one, tasks), 1):
            _finished(folder, line, roles, done, n, len(left), began, say)
    return [{**done[j.key], "finding": j.arm.finding, "arm": j.arm.name, "seed": j.seed} for j in todo if j.key in done]


def missing(findings: list[str], folder: str, scale: str, seeds: int) -> int:
    """How many trainings the log does not hold yet."""
    done = {line["key"] for line in read(folder)}
    return len({j.key for j in jobs(findings, seeds, SCALES[scale], Assets(folder, SCALES[scale]).recipe_file())} - done)


def groups(left: list[Job]) -> list[list[tuple[str, str]]]:
    """What the arms need, in pieces that may be made side by side: the curations share one run folder and stay together."""
    wanted = list(dict.fromkeys(n for j in left for n in needs(j)))
    pages = [w for w in wanted if w[0] == "pages"]
    return [
        *([w] for w in sorted((w for w in wanted if w[0] != "pages"), key=lambda w: ("tower", "decoder", "cases", "asked").index(w[0]))),
        *([pages] if pages else []),
    ]


def _make(args: tuple[str, str, list[tuple[str, str]]]) -> str:
    folder, scale, some = args
    assets, at = Assets(folder, SCALES[scale]), time.process_time()
    for kind, name in some:
        getattr(assets, kind)(name)
    return f"{', '.join(' '.join(w) for w in some)}: ready, {time.process_time() - at:.0f} s of CPU"


def _start() -> None:
    """One thread, and no life of its own: a worker whose parent was killed ends."""
    import torch

    torch.set_num_threads(1)
    parent = os.getppid()
    if multiprocessing.parent_process() is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


class Workers:
    """Processes that take tasks as they come free; with one worker, this process."""

    def __init__(self, count: int):
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start) if count > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def each(self, work: Callable[[Any], Any], tasks: list[Any]) -> Iterator[Any]:
        """Results as they come."""
        if self.pool is None:
            yield from map(work, tasks)
            return
        for future in as_completed([self.pool.submit(work, t) for t in tasks]):
            yield future.result()


def _finished(
    folder: str,
    line: dict[str, Any] | None,
    roles: dict[str, list[list[str]]],
    done: dict,
    n: int,
    of: int,
    began: float,
    say: Callable[[str], None],
) -> None:
    if line is None:
        return
    line["roles"] = roles[line["key"]]
    with open(os.path.join(folder, LOG), "a", encoding="utf-8") as f:
        f.write(json.dumps(line, sort_keys=True) + "\n")
        f.flush()
        os.fsync(f.fileno())
    done[line["key"]] = line
    shutil.rmtree(os.path.join(folder, "arms", line["key"]), ignore_errors=True)
    say(
        f"{n}/{of}  {line['finding']}: {line['arm']}, seed {line['seed']}: loss {line['loss']:.3f}  {summary(line)}  [{line['wall']:.0f} s; {time.time() - began:.0f} s so far]"
    )


def summary(line: dict[str, Any]) -> str:
    return " ".join(f"{skill} {cells[''][0] / cells[''][1]:.2f}" for skill, cells in line["scores"].items())


def read(folder: str) -> list[dict[str, Any]]:
    """Lines of the log; a last line that a crash cut off is left out (its arm runs again)."""
    file = os.path.join(folder, LOG)
    if not os.path.exists(file):
        return []
    with open(file, encoding="utf-8") as f:
        lines = f.read().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _one(args: tuple[str, str, Job, int, float]) -> dict[str, Any] | None:
    """Train and score one arm; its log line, or None after the deadline. Killed half-way, the next call goes on from its checkpoint."""
    folder, scale, job, steps, until = args
    if time.time() > until:
        return None
    from ablation import cloze, score
    from trainer import flops
    from trainer.index import read_index
    from trainer.read import Reader
    from trainer.restore import restore
    from trainer.setup import Corpus, costs
    from trainer.train import Diverged, train

    assets, a = Assets(folder, SCALES[scale]), job.arm
    out = os.path.join(folder, "arms", job.key)
    source, kind = (assets.pages(a.pages), "pages") if a.pages else (assets.cases(a.train), "sft")
    file = os.path.join(source, "pages.jsonl" if a.pages else "cases.jsonl")
    paths = [
        f'data.sources=[{{path={json.dumps(file)}, kind="{kind}", name="{kind}"}}]', f"data.tokenizer={json.dumps(assets.tokenizer())}",
        f"data.cache={json.dumps(os.path.join(assets.folder, 'lengths'))}", f"run.out={json.dumps(out)}",
        f"model.backbones={json.dumps([assets.tower(a.tower), assets.decoder(a.decoder)])}",
    ]  # fmt: skip
    own = overrides(a, assets.base(), SCALES[scale], job.seed) + (
        [f"stage.steps={steps}", f"run.save_every={max(1, steps // 2)}"] if steps else []
    )
    recipe = load(assets.recipe_file(), [*own, *paths])
    reset_peak()
    began, cpu, diverged, loss = time.time(), time.process_time(), "", float("nan")
    try:
        loss = train(recipe).last_loss
    except Diverged as e:
        diverged = str(e)
    wall, cpu, memory = time.time() - began, time.process_time() - cpu, peak()
    stage, scores = recipe.stage[0], {}
    model_facts: dict[str, Any] = {}
    if not diverged:
        model, tok = restore(out)
        asked = assets.asked(a.ask)
        if a.ask == "cloze":
            reader = Reader([read_index(os.path.join(asked, "cloze.jsonl"), "sft")], tok, costs(model.c, stage), 1 << 30)
            scores = score.tally(cloze.marks(model, reader))
        else:
            reader = Reader([read_index(os.path.join(asked, "cases.jsonl"), "sft")], tok, costs(model.c, stage), 1 << 30)
            scores = score.tally(score.marks(model, reader))
    with open(os.path.join(out, "metrics.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    corpus = Corpus(recipe)
    plan = corpus.plan(stage)
    from trainer import freeze
    from trainer.setup import model_of

    fresh = model_of(recipe, corpus.tok.vocab)
    freeze.apply(fresh, stage.freeze)
    forward, backward = flops.count(fresh, corpus.reader(stage).batch(plan[0]))
    model_facts = {
        "parameters": sum(p.numel() for p in fresh.parameters()), "trains": sum(p.numel() for p in fresh.parameters() if p.requires_grad),
        "gflop_a_step": (forward + backward) / 1e9,
    }  # fmt: skip
    return {
        "key": job.key, "finding": a.finding, "arm": a.name, "seed": job.seed, "scale": scale, "overrides": own, "pages": a.pages, "ask": a.ask,
        "loss": loss, "first_loss": rows[0]["loss"] if rows else float("nan"), "diverged": diverged, "steps": len(rows),
        "tokens": sum(r["tokens"] for r in rows), "targets": sum(r["targets"] for r in rows), "images": sum(r["images"] for r in rows),
        "norm_max": max((r["norm"] for r in rows), default=float("nan")), "scores": scores, "wall": wall, "cpu": cpu, "memory_mb": memory,
        **model_facts,
    }  # fmt: skip


def reset_peak() -> None:
    """Let the kernel count this process's peak memory anew (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        return


def peak() -> float:
    """Peak resident memory in MB since `reset_peak` (of the whole process where the kernel has no such file)."""
    try:
        with open("/proc/self/status") as f:
            for line in f:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1000
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
