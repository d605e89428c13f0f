"""Dataflow up to the boundary: the options it gets, the template's metadata, the sources it sends to workers."""

import json
import re
import subprocess
import sys
import tarfile

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, SetupOptions

from pipelines import beam
from pipelines.clusters import RUNNERS
from pipelines.settings.config import Config
from pipelines.settings.run import RunnerSettings
from schemas import layout


def test_options_reach_beam():
    options = {"project": "p", "region": "europe-west4", "temp_location": "gs://b/tmp", "setup_file": "./setup.py"}
    assert set(options) <= beam.known_options()
    built = PipelineOptions.from_dictionary({"runner": RUNNERS["dataflow"], "save_main_session": False, **options})
    assert built.view_as(SetupOptions).setup_file == "./setup.py" and built.view_as(SetupOptions).save_main_session is False
    assert built.view_as(GoogleCloudOptions).region == "europe-west4"
    assert built.get_all_options()["runner"] == "DataflowRunner"


def test_resource_hints_only_on_dataflow(repo):
    """A hint breaks fusion: only `score` asks, and only there."""
    hinted = [p for p in (repo / "pipelines").rglob("*.py") if "with_resource_hints" in p.read_text()]
    assert [p.name for p in hinted] == ["score.py"]
    assert re.search(r'runner\.name == "dataflow" and [^\n]*accelerator:\n\s+model = model\.with_resource_hints', hinted[0].read_text())


def test_template_metadata(repo):
    meta = json.loads((repo / "deploy/dataflow/metadata.json").read_text())
    assert set(meta) == {"name", "description", "parameters"}
    for p in meta["parameters"]:
        assert {"name", "label", "helpText", "isOptional"} <= set(p) <= {"name", "label", "helpText", "isOptional", "regexes"}
        for r in p.get("regexes", ()):
            re.compile(r)
    only = next(p for p in meta["parameters"] if p["name"] == "only")
    assert all(re.match(only["regexes"][0], s) for s in layout.STAGES)


def test_no_runner_is_chosen_by_accident():
    assert Config().runner == RunnerSettings(name="local")
    with pytest.raises(ValueError, match="dask"):
        RunnerSettings(name="dask")


def test_the_source_distribution_holds_every_package(repo, tmp_path):
    """What `--setup_file=./setup.py` sends to workers."""
    run = subprocess.run([sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path), "sdist", "--dist-dir", str(tmp_path)],
                         cwd=repo, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as t:
        names = {n.split("/", 1)[-1] for n in t.getnames()}
    ours = {
        str(p.relative_to(repo))
        for top in ("schemas", "filters", "pipelines")
        for p in (repo / top).rglob("*")
        if p.suffix in (".py", ".cpp", ".h")
    }
    assert not ours - names
