"""weft demo: the whole chain on a generated web, offline: WARCs, images on loopback, shards, proof, report, a first training."""

from __future__ import annotations

import argparse
import os
import time

from weft.console import emit, say, seconds
from weft.exits import DONE, LIMIT


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default="demo-run", help="folder for the web, the run and the model (default: demo-run)")
    parser.add_argument("--pages", type=int, default=400, help="size of the web, 50 to 50000 (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes")
    parser.add_argument(
        "--workers", type=int, default=1, help="worker processes (default: 1; on a web this small, starting more costs more than they save)"
    )
    parser.add_argument("--no-train", action="store_true", help="stop after the report")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting of configs/demo.toml"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    began = time.monotonic()
    say("1/4  a small web, generated here: WARC files, and its images on a loopback server")
    web_folder, run_folder = os.path.join(args.output, "web"), os.path.join(args.output, "run")
    code = curate(web_folder, run_folder, args.pages, args.seed, args.workers, args.overrides)
    say("3/4  reading every shard against the manifest")
    from weft.verbs.verify import run as verify

    verified = verify(argparse.Namespace(run=run_folder, sample=None, json=False, quiet=False))
    trained = None
    if not args.no_train:
        say("4/4  a tiny vision-language model, trained on the shards (configs/recipes/tiny-cpu.toml)")
        trained = train(run_folder, os.path.join(args.output, "model"))
    took = time.monotonic() - began
    if args.json:
        emit({"run": run_folder, "verified": verified == 0, "trained": trained, "seconds": round(took, 1)})
    say(f"\ndone in {seconds(took)}. Look at it:")
    say(f"  open {run_folder}/report.html")
    say(f"  weft why {run_folder} URL             why a page was kept or dropped")
    say(f"  weft bench truth {run_folder}         decisions against the generated web's truth")
    return LIMIT if code or verified else DONE


def curate(web_folder: str, run_folder: str, pages: int, seed: int, workers: int, overrides: list[str] = ()) -> int:  # type: ignore[assignment]
    """Build the web, serve its images while the pipeline runs over it; the pipeline's exit code."""
    from demo import build
    from demo.server import serve
    from weft.verbs.run import run_config

    web = build(web_folder, pages, seed)
    config = demo_config([str(w) for w in web.warcs], workers, overrides)
    with serve(web) as server:
        say(f"2/4  the pipeline, on {pages:,} pages")
        return run_config(at_server(config, server.port), run_folder)


def demo_config(warcs: list[str], workers: int, overrides: list[str] = ()):  # type: ignore[no-untyped-def, assignment]
    """configs/demo.toml with the web's archives as its input."""
    import json
    from importlib.resources import files

    from pipelines.settings.config import parse

    text = (files("configs") / "demo.toml").read_text(encoding="utf-8")
    from demo.train_clip import HERE, WEIGHTS  # wherever the package is installed

    model = [f"score.clip.config_dir={json.dumps(str(HERE))}", f"score.clip.pretrained={json.dumps(str(WEIGHTS))}"]
    own = [f"input.paths={json.dumps(warcs)}", f"runner.workers={workers}", *model]
    return parse(text, "configs/demo.toml", [*own, *overrides])


def at_server(config, port: int):  # type: ignore[no-untyped-def]
    """The configuration with every host resolved to the loopback server: a test-only setting, never a default."""
    fetch = config.fetch.model_copy(update={"allow_test_resolve": True, "test_resolve": {"*": f"127.0.0.1:{port}"}})
    return config.model_copy(update={"fetch": fetch})


def train(run_folder: str, out: str) -> dict[str, float]:
    """Train the tiny recipe on the run's shards; the first and last loss."""
    from importlib.resources import files

    from trainer.config import load
    from trainer.train import train as fit

    recipe = load(str(files("configs") / "recipes" / "tiny-cpu.toml"), [f'data.shards="{run_folder}"', f'run.out="{out}"'])
    result = fit(recipe)
    say(f"     loss {result.first_loss:.3f} -> {result.last_loss:.3f} over {result.steps} steps")
    return {"first_loss": result.first_loss, "last_loss": result.last_loss, "steps": result.steps}
