"""The frame: digests, resume, skipping, and books that must balance."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pytest

from pipelines import storage
from pipelines.settings.config import Config
from pipelines.stage import ConservationError, PartWriter, Stage, StageContext, StageError, execute
from schemas.manifest import Count, StageManifest, dumps, loads_stage

CONFIG = Config()


@dataclass
class Toy(Stage):
    """Writes one row per part; `fail_at` dies there, `lose` forgets a row of that part."""

    name: ClassVar[str] = "report"
    fail_at: str = ""
    skip: str = ""
    lose: str = ""
    ran: tuple[str, ...] = ()

    def plan(self, ctx):
        return {"unit": ("00000", "00001", "00002")}

    def run(self, ctx):
        for part in ctx.todo("unit"):
            if part == self.fail_at:
                raise OSError(28, "No space left on device")
            if part == self.skip:
                continue
            self.ran += (part,)
            rows = 0 if part == self.lose else 1
            ctx.writer.commit("unit", part, {"t": pa.table({"x": [7] * rows})}, {"seen": 1, "by": {"en": 1}, "model": "m1"})

    def counts(self, ctx, tables, facts):
        kept = sum(p.rows for p in tables["t"])
        return {"documents": Count(facts["seen"], kept)}


def test_manifest_comes_last_and_a_second_run_does_nothing(tmp_path):
    first = Toy()
    done = execute(first, str(tmp_path), CONFIG, {})
    assert not done.skipped and done.done.manifest.counts["documents"] == Count(3, 3)
    assert done.done.manifest.facts == {"by": {"en": 3}, "model": "m1", "seen": 3}
    again = Toy()
    assert execute(again, str(tmp_path), CONFIG, {}).skipped and again.ran == ()


def test_a_stage_resumes_at_the_part_it_died_in(tmp_path):
    with pytest.raises(OSError):
        execute(Toy(fail_at="00001"), str(tmp_path), CONFIG, {})
    second = Toy()
    resumed = execute(second, str(tmp_path), CONFIG, {})
    assert second.ran == ("00001", "00002")
    clean = execute(Toy(), str(tmp_path / "clean"), CONFIG, {})
    assert dumps(resumed.done.manifest) == dumps(clean.done.manifest)


def test_a_part_that_was_never_written_is_named(tmp_path):
    with pytest.raises(StageError, match="unit/00001"):
        execute(Toy(skip="00001"), str(tmp_path), CONFIG, {})


def test_a_lost_row_fails_the_run_and_leaves_no_manifest(tmp_path):
    with pytest.raises(ConservationError, match="1 documents vanished: 3 entered, 2 kept"):
        execute(Toy(lose="00002"), str(tmp_path), CONFIG, {})
    assert not list(tmp_path.rglob("manifest.json"))


def test_config_and_inputs_change_the_folder(tmp_path):
    one = execute(Toy(), str(tmp_path), CONFIG, {})
    other = execute(Toy(), str(tmp_path), Config.model_validate({"report": {"histogram_bins": 10}}), {})
    unrelated = execute(Toy(), str(tmp_path), Config.model_validate({"run": {"name": "x"}}), {})
    assert one.done.root != other.done.root and unrelated.skipped
    fed = execute(Toy(), str(tmp_path), CONFIG, {"extract": one.done})
    assert fed.done.root != one.done.root and fed.done.manifest.inputs == {"extract": one.done.manifest.digest}


def test_parts_may_not_disagree_about_a_model(tmp_path):
    class Mixed(Toy):
        def run(self, ctx):
            for part in ctx.todo("unit"):
                ctx.writer.commit("unit", part, {"t": pa.table({"x": [1]})}, {"seen": 1, "model": part})

    with pytest.raises(StageError, match="disagree about 'model'"):
        execute(Mixed(), str(tmp_path), CONFIG, {})


def test_manifest_round_trip_and_a_clear_error():
    m = StageManifest("extract", "d", {"a": "1"}, {"x": 1}, "c", {"unit": ("00000",)}, {}, {"documents": Count(3, 1, {"r": 2})})
    assert loads_stage(dumps(m), "here") == m
    with pytest.raises(ValueError, match="here: not a stage manifest"):
        loads_stage(b"{}", "here")
    with pytest.raises(ValueError, match="format 99"):
        loads_stage(dumps(m).replace(b'"format": 1', b'"format": 99'), "here")


def test_writing_a_part_twice_writes_the_same_bytes(tmp_path):
    w = PartWriter(str(tmp_path))
    for _ in range(2):
        w.commit("unit", "a", {"t": pa.table({"x": [1, 2]})})
        first = storage.sha256_of(str(tmp_path / "t/a.parquet"))
    assert storage.sha256_of(str(tmp_path / "t/a.parquet")) == first
    assert StageContext("r", str(tmp_path), CONFIG, {}, {"unit": ("a", "b")}).todo("unit") == ["b"]
