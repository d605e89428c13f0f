"""The yardstick of the whole pipeline: the loop must write what the run writes, and the sums must be right."""

import subprocess
import sys

import pytest

from benchmarks import pipeline
from benchmarks.pipeline_arm import tree_cpu


def test_cpu_of_children_counts():
    before = tree_cpu()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert tree_cpu() - before >= 0.45  # the kernel counts in hundredths, and rounds


def test_a_loop_that_writes_other_shards_is_an_error():
    beam, loop = ({"shards": s, "cpu": 1.0, "pages": 10} for s in "ab")
    with pytest.raises(RuntimeError, match="other shards"):
        pipeline.beam_share(10, beam, loop)


def test_two_workers_beside_what_the_machine_allows():
    one, two, side = (
        {"shards": "a", "wall": w, "cpu": w, "stages": {"extract": {"wall": w}, "pack": {"wall": 0.5}}} for w in (300, 200, 375)
    )
    gain, allowed = pipeline.two_workers(20000, one, two, side)
    assert gain["ratio"] == pytest.approx(1.5) and allowed["ratio"] == pytest.approx(1.6)
    assert "extract 300" in str(gain) and "pack" not in str(gain)
    with pytest.raises(RuntimeError, match="other shards"):
        pipeline.two_workers(20000, one, two | {"shards": "b"}, side)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_loop_writes_the_same_shards(tmp_path):
    with pipeline.served(80, tmp_path) as web:
        row = pipeline.beam_share(80, web.run("beam"), web.run("loop"))
    assert row["ours"] > 0 and web.runs["loop-1-all"]["stages"].keys() == web.runs["beam-1-all"]["stages"].keys()
