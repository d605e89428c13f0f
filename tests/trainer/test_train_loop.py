"""The loop: 1 x 4 = 4 x 1 = two processes, FSDP2 = DDP, and a killed run that ends bit for bit as an unbroken one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from trainer import ckpt
from trainer.batch import join
from trainer.config import as_dict
from trainer.index import IndexChanged
from trainer.read import stream
from trainer.setup import Corpus, model_of
from trainer.train import train

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import json, sys, time
from trainer.config import Recipe, build
from trainer import train as t
recipe = build(Recipe, json.load(open(sys.argv[1])), "recipe")
if len(sys.argv) > 2:  # slow enough to be killed in the middle
    step = t.Loop.step
    t.Loop.step = lambda *a: (step(*a), time.sleep(float(sys.argv[2])))[0]
t.train(recipe)
"""


def children(recipe, tmp_path: Path, world: int = 1, slow: float = 0.0) -> list[subprocess.Popen]:
    file = tmp_path / f"recipe-{world}-{os.path.basename(recipe.run.out)}.json"
    file.write_text(json.dumps(as_dict(recipe)))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, "-c", CHILD, str(file), *([str(slow)] if slow else [])]
    ranks = range(world)
    return [subprocess.Popen(command, env={**env, "WORLD_SIZE": str(world), "RANK": str(r), "LOCAL_RANK": str(r)}) for r in ranks]


def run_children(*args, **kw) -> None:
    for p in children(*args, **kw):
        assert p.wait(500) == 0  # seconds on a quiet machine


def saved(recipe, step: int) -> tuple[dict, dict]:
    found = ckpt.whole(str(Path(recipe.run.out) / "checkpoints" / f"step-{step:08d}"))
    return {k: v for k, v in found.items() if "|" not in k}, {k: v for k, v in found.items() if "|" in k}


def metrics(recipe) -> list[tuple]:
    rows = [json.loads(x) for x in (Path(recipe.run.out) / "metrics.jsonl").read_text().splitlines()]
    return [(r["step"], r["loss"], r["norm"], r["lr"], r["tokens"], r["targets"]) for r in rows]


def close(a: dict, b: dict, most: float) -> None:
    assert a.keys() == b.keys()
    for k in a:
        torch.testing.assert_close(a[k], b[k], rtol=0, atol=most, msg=k)


def test_one_batch_of_four_packs_has_the_gradients_of_four(tiny):
    recipe = tiny('run.dtype="float64"')
    corpus = Corpus(recipe)
    packs = list(stream(corpus.plan(recipe.stage[0]), corpus.reader(recipe.stage[0]), list(range(4))))
    grads = []
    for groups in (packs, [join(packs)]):
        m = model_of(recipe, corpus.tok.vocab)
        for b in groups:
            (m(b) / sum(x.targets for x in packs)).backward()
        grads.append({n: p.grad for n, p in m.named_parameters()})
    close(*grads, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_two_processes_train_as_one(tiny, tmp_path, mode: str):
    common = ('run.dtype="float64"', "stage.steps=3", 'stage.freeze=[{modules="vision", mode="frozen"}, {modules="layers", mode="lora"}]')
    one, two = tiny(*common, out="one"), tiny(*common, f'run.parallel="{mode}"', out="two")
    train(one)
    run_children(two, tmp_path, world=2)
    close(saved(one, 3)[0], saved(two, 3)[0], 1e-9)
    for a, b in zip(metrics(one), metrics(two), strict=True):
        assert a == pytest.approx(b, abs=1e-9)


@pytest.mark.slow
def test_killed_and_resumed_ends_bit_for_bit(tiny, tmp_path):
    whole = tiny("run.save_every=5", "stage.neftune=5.0", out="whole")
    broken = tiny("run.save_every=5", "stage.neftune=5.0", "data.workers=2", out="broken")
    train(whole)
    (child,) = children(broken, tmp_path, slow=0.4)
    began = time.monotonic()
    while ckpt.newest(os.path.join(broken.run.out, "checkpoints")) is None and time.monotonic() - began < 400:
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert ckpt.steps(os.path.join(broken.run.out, "checkpoints")) == [5]
    again = tiny("run.save_every=5", "stage.neftune=5.0", out="broken")  # other worker count
    assert train(again).steps == 12
    for a, b in zip(saved(whole, 12), saved(again, 12), strict=True):
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    assert metrics(whole) == metrics(again)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp"])
def test_a_run_of_two_goes_on_as_one(tiny, tmp_path, mode: str):
    common = ('run.dtype="float64"', "run.save_every=3", f'run.parallel="{mode}"')
    whole = tiny(*common, "stage.steps=6", out="whole6")
    train(whole)
    moved = tiny(*common, "stage.steps=6", out="moved")
    children_of = children(moved, tmp_path, world=2, slow=0.5)
    began = time.monotonic()
    while ckpt.newest(os.path.join(moved.run.out, "checkpoints")) is None and time.monotonic() - began < 400:
        time.sleep(0.05)
    for c in children_of:
        c.kill()
        c.wait()
    train(moved)
    for a, b in zip(metrics(whole), metrics(moved), strict=True):
        assert a == pytest.approx(b, abs=1e-9)  # the same packs: tokens and targets are equal


def test_a_save_that_fails_stops_the_run_and_leaves_no_half(tiny, monkeypatch):
    recipe = tiny("stage.steps=4", "run.save_every=1", out="full")
    write = ckpt.dcp.save

    def fails(*a, **k):
        write(*a, **k)
        if str(k["storage_writer"].path).endswith("step-00000002.part"):
            raise OSError("no space left on device")

    monkeypatch.setattr(ckpt.dcp, "save", fails)
    with pytest.raises(OSError, match="no space"):
        train(recipe)
    folder = os.path.join(recipe.run.out, "checkpoints")
    assert ckpt.steps(folder) == [1]
    monkeypatch.undo()
    assert train(recipe).steps == 4 and ckpt.steps(folder) == [3, 4]  # goes on from the whole one


def test_a_signal_saves_and_stops(tiny, monkeypatch):
    recipe = tiny(out="signal")
    from trainer import train as module

    step = module.Loop.step

    def after(self, stage, n, *rest):
        step(self, stage, n, *rest)
        if n == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(module.Loop, "step", after)
    result = train(recipe)
    assert result.stopped and result.steps == 3 and ckpt.state(result.checkpoint)["pack"] == 12


def test_changed_data_is_refused(tiny, run_maker, tmp_path):
    first = tiny("stage.steps=3", "run.save_every=1", "run.keep=2", out="changed")
    train(first)
    assert ckpt.steps(os.path.join(first.run.out, "checkpoints")) == [2, 3]
    other = run_maker(tmp_path / "other", documents=20)
    with pytest.raises(IndexChanged, match="plan"):
        train(tiny("stage.steps=3", f'data.shards="{other}"', out="changed"))


def test_a_loss_that_is_not_finite_stops_the_run(tiny):
    from trainer.train import Diverged

    with pytest.raises(Diverged, match="step"):
        train(tiny("stage.lr=1e30", "stage.warmup=0", "stage.clip=1e30", out="diverged"))


def test_stages_follow_and_the_second_resumes(tiny):
    stages = "stage=[{steps=2,tokens=192,patches=128,packs=2,warmup=1,images={side=56},freeze=[{modules='layers',mode='frozen'}]},"
    stages += "{steps=2,tokens=192,patches=128,packs=2,warmup=1,images={side=56},freeze=[{modules='layers',mode='lora',rank=2}]}]"
    whole, cut = tiny(stages, out="stages"), tiny(stages, "run.save_every=1", "run.keep=9", out="cut")
    train(whole)
    train(cut)
    import shutil

    for gone in (3, 4):
        shutil.rmtree(os.path.join(cut.run.out, "checkpoints", f"step-{gone:08d}"))
    train(cut)
    for a, b in zip(saved(whole, 4), saved(cut, 4), strict=True):
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
