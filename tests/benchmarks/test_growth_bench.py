"""The growth of a run: exponents by stage, memory by kind of process, runs that were noted before."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from benchmarks import growth, plot, processes, results


def run(pages: int, power: float = 1.0, driver: float = 500.0) -> dict:
    """One in which stage pack costs `power` and extract is linear."""
    stages = {"extract": {"cpu": pages / 100}, "pack": {"cpu": (pages / 1000) ** power}}
    return {"size": pages, "pages": pages, "cpu": sum(s["cpu"] for s in stages.values()), "stages": stages, "requests": 2 * pages, "run_bytes": 10**6 * pages,
            "fetched_bytes": 10**5 * pages, "peak_mb": {"driver": driver, "guarded child": 200.0, "other": 9.0}}  # fmt: skip


def test_exponent_is_the_slope():
    sizes = [1000, 10000, 100000]
    assert growth.exponent(sizes, [n**1.3 / 7 for n in sizes]) == pytest.approx(1.3)


def test_a_stage_that_grows_faster_than_the_input_is_named():
    sizes = (1000, 10000, 100000)
    rows = {r["case"]: r for r in growth.rows_of({n: run(n, 1.5, 500.0 + n / 1000) for n in sizes})}
    pack, extract = (rows[f"CPU of {s}, 1,000 to 100,000 pages"] for s in ("pack", "extract"))
    assert pack["ours"] == pytest.approx(1.5) and pack["ratio"] < pack["floor_ratio"]
    assert extract["ours"] == pytest.approx(1.0) and extract["ratio"] >= extract["floor_ratio"]
    assert rows["CPU, 10,000 to 100,000 pages"]["ours"] > rows["CPU, 1,000 to 100,000 pages"]["ours"]  # the last sizes show it better
    driver = rows["memory of the largest driver, 10,000 to 100,000 pages"]
    assert driver["ours"] == 600.0 and driver["ratio"] == pytest.approx(510 / 600) and "1,000: 501 MB" in driver["note"]
    assert not any("other" in case for case in rows)
    assert rows["a million such pages"]["note"] == "1e+03 GB written, 2 million images asked for"


def test_curves_become_plots_and_the_cost_a_table(tmp_path):
    rows = growth.rows_of({n: run(n) for n in (1000, 10000)})
    results.save({"what": "growth", "day": "d", "machine": "m", "commit": "c", "rows": rows}, tmp_path)
    drawn = results.plots(results.stored(tmp_path))
    assert {"growth", "growth-cpu", "growth-peak-memory"} == drawn.keys()
    assert all(f">{name}</text>" in drawn["growth-cpu"] for name in ("all", "extract", "pack"))
    page = results.page(results.stored(tmp_path))
    assert "performance/growth-cpu.svg" in page and "| extract | 2.78 |" in page


def test_values_of_near_points_lie_clear_of_each_other():
    near = [plot.Line(name, [(10.0, v), (100.0, v)], "#000000") for name, v in (("a", 100.0), ("b", 101.0), ("c", 102.0), ("d", 400.0))]
    value = r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="middle" font-size="10"'
    texts = [(float(x), float(y)) for x, y in re.findall(value, plot.lines("t", "x", near))]
    assert len(texts) >= 6  # of eight: the others may have no room
    for i, (x, y) in enumerate(texts):
        assert all(x != a or abs(y - b) >= plot.NEAR - 3 for a, b in texts[i + 1 :])


def test_noted_runs_are_not_run_again(tmp_path, capsys):
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(json.dumps(run(n)) + "\n" for n in (1000, 10000)))
    assert growth.main(json=True, sizes=(1000, 10000), file=file) == 0
    assert [r["case"] for r in json.loads(capsys.readouterr().out)][0] == "CPU, 1,000 to 10,000 pages"


def test_the_largest_process_of_each_kind_is_watched():
    code = "import subprocess, sys; x = bytearray(80 << 20); subprocess.run([sys.executable, '-c', 'import time; x = bytearray(40 << 20); time.sleep(1)', 'guard_child']); print('done')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        said, peaks = processes.watched(process)
    assert said == "done\n" and process.returncode == 0
    assert peaks["driver"] > peaks["guarded child"] > 40
