"""weft doctor [CONFIG]: what this machine has, what the configuration needs, and what to do about the difference."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weft.console import emit, say, size, table
from weft.exits import DONE, ENVIRONMENT
from weft.preflight import JAVA, java_version

GOOD, NOTE, BAD = "ok", "note", "BAD"
PACKAGES = ("apache-beam", "pyarrow", "duckdb", "fastwarc", "selectolax", "opencv-python-headless", "pillow", "torch", "open_clip_torch")
MIN_DISK = 5 << 30
RESOLVE_S = 2.0


@dataclass(frozen=True)
class Finding:
    state: str  # ok | note (fine unless you need it) | BAD
    what: str
    detail: str


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", nargs="?", help="also check what this configuration needs: models, lists, inputs, engine, credentials")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    config = None
    if args.config:
        from pipelines.settings.config import load

        config = load(args.config)
    found = list(findings(config))
    bad = [f for f in found if f.state == BAD]
    if args.json:
        emit([vars(f) for f in found])
    else:
        table([[f.state, f.what, f.detail] for f in found], ["", "what", "found"])
        say(f"{len(bad)} of {len(found)} checks are bad" if bad else "nothing is wrong here")
    return ENVIRONMENT if bad else DONE


def findings(config: Any = None) -> Iterator[Finding]:
    yield from machine()
    yield from packages()
    yield engine_java(config)
    yield from pickles(config)
    if config is not None:
        yield from wanted(config)


def machine() -> Iterator[Finding]:
    v = sys.version_info
    yield Finding(GOOD if v >= (3, 11) else BAD, "Python", f"{v.major}.{v.minor}.{v.micro} (3.11 or newer is needed)")
    free = shutil.disk_usage(".").free
    yield Finding(GOOD if free > MIN_DISK else BAD, "disk", f"{size(free)} free in {os.getcwd()}")
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding(GOOD, "cores, memory", f"{os.cpu_count()} cores, {size(ram)}")
    yield gpu()


def gpu() -> Finding:
    if not (tool := shutil.which("nvidia-smi")):
        return Finding(NOTE, "GPU", "none; `score` runs on the CPU")
    out = subprocess.run([tool, "--query-gpu=name,memory.total", "--format=csv,noheader"], capture_output=True, text=True, timeout=20)
    names = "; ".join(out.stdout.split("\n")).strip("; ")
    return Finding(GOOD, "GPU", names) if out.returncode == 0 and names else Finding(NOTE, "GPU", "nvidia-smi finds none")


def packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    for name in PACKAGES:
        try:
            yield Finding(GOOD, name, version(name))
        except PackageNotFoundError:
            extra = name in ("torch", "open_clip_torch")
            yield Finding(NOTE if extra else BAD, name, "not installed" + (": pip install 'weft[clip]' to score pairs" if extra else ""))


def engine_java(config: Any) -> Finding:
    needed = config is not None and config.runner.name in ("spark", "flink")
    major = java_version()
    if major is None:
        return Finding(BAD if needed else NOTE, "Java", "none; Spark and Flink need Java 11 or 17")
    fits = major in JAVA
    return Finding(GOOD if fits else BAD if needed else NOTE, "Java", f"{major}" + ("" if fits else ": Spark 3.5 and Flink want 11 or 17"))


def pickles(config: Any = None) -> Iterator[Finding]:
    """Every piece of work that travels to workers, packed and unpacked as Beam does it."""
    import importlib

    from pipelines import beam  # noqa: F401 (quiets Beam's import warnings)
    from pipelines.settings.config import Config
    from pipelines.stage import StageContext
    from schemas import layout

    from apache_beam.internal import pickler  # isort: skip

    ctx = StageContext("run", "run/stages/x", config or Config(), {}, {"unit": ("00000",)})
    for name in layout.STAGES:
        module = importlib.import_module(f"pipelines.stages.{name}")
        work = [c for c in vars(module).values() if _is_work(c, module.__name__)]
        try:
            for c in work:
                pickler.loads(pickler.dumps(c(ctx)))
        except Exception as e:
            yield Finding(BAD, f"pickling {name}", f"{type(e).__name__}: {e}")
        else:
            yield Finding(GOOD, f"pickling {name}", ", ".join(c.__name__ for c in work) or "nothing travels")


def _is_work(c: Any, module: str) -> bool:
    return isinstance(c, type) and c.__module__ == module and list(getattr(c, "__dataclass_fields__", {})) == ["ctx"]


def wanted(config: Any) -> Iterator[Finding]:
    from pipelines import storage

    clip = config.score.clip
    if not clip.model:
        yield Finding(NOTE, "CLIP", "score.clip.model is empty: no pair measures")
    elif os.path.isfile(clip.pretrained):
        yield Finding(GOOD, "CLIP", f"{clip.model}, {clip.pretrained}, sha256 {storage.sha256_of(clip.pretrained)[:16]}")
    elif os.sep in clip.pretrained or clip.pretrained.endswith((".pt", ".safetensors", ".bin")):
        yield Finding(BAD, "CLIP", f"no file {clip.pretrained!r} (score.clip.pretrained)")
    elif clip.allow_download:
        yield Finding(NOTE, "CLIP", f"{clip.model} {clip.pretrained}: open_clip will download it if it is not cached")
    else:
        yield Finding(NOTE, "CLIP", f"{clip.model} {clip.pretrained}: must be cached already, as score.clip.allow_download is false")
    for path in (*config.score.hash_lists, *config.fetch.opt_out_lists, *config.select.evaluation_sets, *config.input.lists):
        if not storage.is_remote(path):
            there = os.path.isfile(path)
            yield Finding(GOOD if there else BAD, "list", f"{path}" if there else f"no file {path!r}")
    if not config.fetch.contact and not config.fetch.test_resolve:
        yield Finding(BAD, "fetch.contact", "empty: set it to a URL or an e-mail address at which site owners reach you")
    yield from remote(config)


def remote(config: Any) -> Iterator[Finding]:
    import importlib.util

    paths = [*config.input.paths, *config.input.lists, *config.input.pointers]
    schemes = sorted({p.split("://")[0] for p in paths if "://" in p})
    for scheme, module, extra in (("gs", "gcsfs", "gcp"), ("s3", "s3fs", "aws")):
        if scheme in schemes and importlib.util.find_spec(module) is None:
            yield Finding(BAD, f"{scheme}://", f"needs {module}: pip install 'weft[{extra}]'")
    if "s3" in schemes and not (os.environ.get("AWS_ACCESS_KEY_ID") or os.path.exists(os.path.expanduser("~/.aws"))):
        yield Finding(NOTE, "credentials", "none found for s3:// (environment or ~/.aws); public buckets work without")
    if "gs" in schemes or config.runner.name == "dataflow":
        key = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
        known = os.path.isfile(key) or os.path.exists(os.path.expanduser("~/.config/gcloud/application_default_credentials.json"))
        yield Finding(
            GOOD if known else BAD,
            "credentials",
            "Google's found" if known else "no Google credentials: gcloud auth application-default login",
        )
    if config.input.crawls or "http" in schemes or "https" in schemes:
        from urllib.parse import urlsplit

        yield resolves(urlsplit(config.input.base_url).hostname or "")


def resolves(host: str) -> Finding:
    import socket
    import threading

    answer: list[str] = []

    def ask() -> None:
        try:
            answer.append(str(socket.getaddrinfo(host, 443)[0][4][0]))
        except OSError as e:
            answer.append("")
            answer.append(str(e))

    t = threading.Thread(target=ask, daemon=True)
    t.start()
    t.join(RESOLVE_S)
    if answer and answer[0]:
        return Finding(GOOD, "DNS", f"{host} is {answer[0]}")
    return Finding(BAD, "DNS", f"{host} does not resolve: {answer[1] if answer else f'no answer in {RESOLVE_S:g} s'}")
