"""One small demo run for all tests of the auditor's desk, and its last stages again under other settings."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def demo_web(tmp_path_factory):
    from demo import build

    return build(tmp_path_factory.mktemp("audit-web"), 60, 11)


@pytest.fixture(scope="session")
def demo_run(request, tmp_path_factory) -> Path:
    from demo.server import serve
    from weft.verbs.demo import at_server, demo_config
    from weft.verbs.run import run_config

    if given := os.environ.get("WEFT_TEST_RUN"):  # a finished demo run, to save its minute while working on these tests
        return Path(given)
    folder = tmp_path_factory.mktemp("audit") / "run"
    demo_web = request.getfixturevalue("demo_web")
    with serve(demo_web) as server:
        config = at_server(demo_config([str(w) for w in demo_web.warcs], 1, []), server.port)
        assert run_config(config, str(folder), quiet=True) == 0
    return folder


@pytest.fixture(scope="session")
def again(tmp_path_factory):
    """again(run, settings) -> run folder with select, pack and report done anew under `settings`; earlier stages are linked, not run."""

    def make(run: Path, settings: list[str], change=lambda folder, stage: None) -> Path:
        from pipelines import storage
        from pipelines.run import publish_audit, stage
        from pipelines.settings.config import dump, load
        from pipelines.stage import Done, execute
        from schemas import layout
        from schemas.manifest import loads_stage

        out = tmp_path_factory.mktemp("again") / "run"
        config = load(str(run / layout.CONFIG), settings)
        current = json.loads((run / "stages" / layout.CURRENT).read_text())
        done = {}
        for name in ("extract", "dedup", "fetch", "score"):
            root = out / layout.stage_dir(name, current[name])
            shutil.copytree(run / layout.stage_dir(name, current[name]), root, copy_function=lambda a, b: Path(b).hardlink_to(a))
            done[name] = Done(str(root), loads_stage((root / layout.STAGE_MANIFEST).read_bytes(), str(root)))
        for name in ("select", "pack", "report"):
            change(out, name)
            s = stage(name)
            done[name] = execute(s, str(out), config, {n: done[n] for n in s.reads}).done
        storage.write_bytes(str(out / layout.CONFIG), dump(config).encode())
        (out / "stages" / layout.CURRENT).write_text(json.dumps({n: d.manifest.digest for n, d in done.items()}))
        publish_audit(str(out), done["report"])
        return out

    return make
