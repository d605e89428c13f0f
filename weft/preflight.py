"""What a run would stumble over hours later, looked at before it starts: disk, model, packages, Java. One sentence each, exit code 4."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from typing import Any

from weft.exits import ENVIRONMENT, Failure

ROOM = 64 << 20  # bytes without which not even a small run ends; what a large one needs is for `weft plan` to say
JAVA = (11, 17)  # what Spark 3.5 and Flink 1.16 run on
WEIGHTS = (".pt", ".safetensors", ".bin")


def check(config: Any, folder: str, stages: tuple[str, ...]) -> None:
    """Failure, in one sentence, if the machine lacks what these stages of the run need. Imports nothing heavy."""
    disk(folder)
    if config.runner.name in ("spark", "flink") and not config.runner.options.get("job_endpoint"):
        java(config.runner.name)
    if "score" in stages and config.score.clip.model:
        model(config.score.clip)
    if config.run.takedowns:
        from pipelines import tombstones

        tombstones.load(config.run.takedowns)
    archives(config.input)


def archives(settings: Any) -> None:
    """InputError if archives on this machine are not there: extract would say so too, after the second that importing Beam takes. What is
    elsewhere is asked for once, by extract."""
    if settings.crawls or settings.pointers or any("://" in p for p in (*settings.paths, *settings.lists)):
        return
    from pipelines.web.inputs import NO_INPUT, InputError, identity

    if not identity(settings):
        raise InputError(NO_INPUT)


def disk(folder: str) -> None:
    if "://" in folder:
        return
    at = os.path.abspath(folder)
    while not os.path.exists(at):
        at = os.path.dirname(at)
    if not os.path.isdir(at):
        raise Failure(ENVIRONMENT, f"{at} is a file: a run is a folder, choose another -o")
    free = shutil.disk_usage(at).free
    if free < ROOM:
        raise Failure(
            ENVIRONMENT,
            f"no room for a run: {free / 1e6:.1f} MB are free at {at}, at least {ROOM / 1e6:.0f} MB are needed; free some or choose another -o",
        )


def java(engine: str) -> None:
    major = java_version()
    wanted = " or ".join(map(str, JAVA))
    if major is None:
        raise Failure(ENVIRONMENT, f"{engine} needs Java {wanted}, and there is no `java` on the path (docs/runners/)")
    if major not in JAVA:
        raise Failure(ENVIRONMENT, f"{engine} needs Java {wanted}, and the `java` on the path is {major}: put another first on PATH")


def java_version() -> int | None:
    """Major version of the `java` on the path; None if there is none."""
    if not (tool := shutil.which("java")):
        return None
    out = subprocess.run([tool, "-version"], capture_output=True, text=True, timeout=20, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', out.stderr + out.stdout)
    return int(found.group(1)) if found else None


def model(clip: Any) -> None:
    for package in ("torch", "open_clip"):
        if importlib.util.find_spec(package) is None:
            raise Failure(
                ENVIRONMENT,
                f"score.clip.model = {clip.model!r} needs the package {package!r}, which is not installed: pip install 'weft[clip]'",
            )
    path = clip.pretrained
    if (os.sep in path or path.endswith(WEIGHTS)) and "://" not in path and not os.path.isfile(path) and not path.startswith("hf-hub:"):
        raise Failure(ENVIRONMENT, f"there is no model file {path!r} (score.clip.pretrained); give its path, or a tag that open_clip knows")
