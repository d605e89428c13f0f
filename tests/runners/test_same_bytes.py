"""One pipeline, every engine: the same shards come out, byte for byte. The web is asked once; every run takes that fetch over.

WEFT_ENGINE_PAGES=2000 runs them on a larger web (default 120). What the engines need: `make engines`.
"""

import hashlib
import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo import build
from demo.server import serve
from pipelines.run import stage
from pipelines.settings.run import RunnerSettings
from tests.runners import engines
from weft.verbs.demo import at_server, demo_config
from weft.verbs.run import run_config

FAR = {"environment_type": "EXTERNAL"}
HERE = {"environment_type": "LOOPBACK"}
PAGES = int(os.environ.get("WEFT_ENGINE_PAGES", "120"))
UNIT_BYTES = 65536 if PAGES < 1000 else 524288


def shards(run: Path) -> dict[str, str]:
    files = sorted(p for p in (run / "shards").iterdir() if p.suffix in (".tar", ".idx"))
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    return build(tmp_path_factory.mktemp("web"), PAGES, 7)


@pytest.fixture(scope="module")
def config(web):
    with serve(web) as server:
        yield at_server(
            demo_config([str(w) for w in web.warcs], 1, [f"input.unit_bytes={UNIT_BYTES}", "extract.page_seconds=60"]), server.port
        )


@pytest.fixture(scope="module")
def plain(config, tmp_path_factory):
    """The run that all others are compared with: in this process, one worker."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    assert run_config(config, str(folder), quiet=True) == 0
    return folder


@pytest.fixture
def again(plain, config, tmp_path):
    """Everything but the network again, on the engine given."""

    def go(runner: RunnerSettings, *, keep: tuple[str, ...] = ("fetch",)) -> None:
        folder = tmp_path / "run"
        for name in keep:
            shutil.copytree(plain / "stages" / name, folder / "stages" / name)
        assert run_config(config.model_copy(update={"runner": runner}), str(folder), quiet=True) == 0
        assert shards(folder) == shards(plain) and shards(plain)

    return go


def test_the_units_are_several(plain):
    assert len(list((plain / "stages" / "extract").glob("*/parts/unit/*.json"))) >= 2
    assert stage("fetch").name == "fetch"


def test_two_worker_processes(again):
    again(RunnerSettings(workers=2))


def test_every_bundle_twice(again):
    """Engines repeat bundles after failures; nothing may change."""
    again(RunnerSettings(workers=1, options={"direct_runner_bundle_repeat": 1}))


@pytest.mark.slow
def test_portable_loopback(again):
    again(RunnerSettings(name="portable", options={"job_endpoint": "embed", **HERE}))


@pytest.mark.slow
def test_portable_with_a_pool_of_workers(again, tmp_path):
    with engines.worker_pool(tmp_path) as address:
        again(RunnerSettings(name="portable", options={"job_endpoint": "embed", **FAR, "environment_config": address}))


@pytest.mark.slow
def test_prism(again):
    again(RunnerSettings(name="prism", options={"prism_location": engines.needed("WEFT_PRISM", "Prism")}))


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.timeout(1800)
def test_spark_cluster(again, tmp_path):
    """A master, two workers, a pool of Python workers: processes that share nothing but files."""
    with on_spark(tmp_path) as (runner, _):
        again(runner)


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.timeout(1800)
def test_a_spark_worker_is_killed_in_mid_stage(again, plain, tmp_path):
    """With its executor, while parts of extract are done and others are not: the other worker finishes, with the same bytes."""
    units = len(list((plain / "stages" / "extract").glob("*/parts/unit/*.json")))
    seen: list[int] = []

    def kill(worker) -> None:
        while not seen:
            done = len(list((tmp_path / "run" / "stages" / "extract").glob("*/parts/unit/*.json")))
            if done:
                os.killpg(worker.pid, signal.SIGKILL)
                seen.append(done)
            time.sleep(0.02)

    with on_spark(tmp_path) as (runner, workers):
        killer = threading.Thread(target=kill, args=(workers[0],), daemon=True)
        killer.start()
        again(runner)
        killer.join(5)
    assert seen and seen[0] < units and workers[0].poll() is not None
    log = (tmp_path / "master.log").read_text(errors="replace")
    assert "Removing worker" in log


@contextmanager
def on_spark(tmp: Path):
    """The settings of a run on a cluster of its own, and the cluster's workers."""
    engines.java()
    jar, home = engines.needed("WEFT_SPARK_JOB_SERVER", "Beam's Spark job server"), engines.needed("WEFT_SPARK_HOME", "Spark")
    with engines.spark_cluster(tmp, home) as (url, workers), engines.worker_pool(tmp) as address:
        options = {"spark_master_url": url, "spark_job_server_jar": jar, **FAR, "environment_config": address,
                   "job_server_jvm_properties": "-Dspark.executor.memory=600m", "environment_cache_millis": 60000, "job_server_timeout": 300}  # fmt: skip
        yield RunnerSettings(name="spark", options=options), workers


@pytest.mark.slow
@pytest.mark.flink
@pytest.mark.timeout(1800)
def test_flink(again, tmp_path):
    """Flink's own local cluster in the job server's JVM, two slots, and a pool of Python workers."""
    engines.java()
    jar = engines.needed("WEFT_FLINK_JOB_SERVER", "Beam's Flink job server")
    with engines.worker_pool(tmp_path) as address:
        options = {"flink_master": "[local]", "flink_job_server_jar": jar, "parallelism": 2, **FAR, "environment_config": address,
                   "job_server_jvm_properties": "--add-opens=java.base/java.util=ALL-UNNAMED", "job_server_timeout": 300}  # fmt: skip
        again(RunnerSettings(name="flink", options=options))
