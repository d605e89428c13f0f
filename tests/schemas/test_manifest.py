"""The conservation law: in = kept + dropped + dead, and what is said when it does not hold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stage import ConservationError, check
from schemas.manifest import (
    Count,
    ManifestError,
    Part,
    RunManifest,
    ShardEntry,
    StageManifest,
    dumps,
    dumps_run,
    inside,
    loads_run,
    loads_stage,
)

numbers = st.integers(0, 1000)
reasons = st.dictionaries(st.sampled_from(["a", "b", "c"]), numbers)


@given(numbers, reasons, numbers, st.integers(-5, 5))
def test_missing_is_what_nothing_accounts_for(kept, dropped, dead, lost):
    entered = kept + sum(dropped.values()) + dead + lost
    assert Count(entered, kept, dropped, dead).missing() == lost


@given(numbers, reasons, numbers, reasons)
def test_a_sum_counts_both_and_changes_neither(kept, dropped, dead, more):
    a, b = Count(7, kept, dict(dropped), dead), Count(5, 2, dict(more), 1)
    total = a + b
    assert (total.entered, total.kept, total.dead) == (12, kept + 2, dead + 1)
    assert total.dropped == {r: dropped.get(r, 0) + more.get(r, 0) for r in dropped.keys() | more.keys()}
    assert a.dropped == dropped and b.dropped == more


@pytest.mark.parametrize(
    ("entered", "said"), [(11, "1 pages vanished: 11 entered, 4 kept, 3 dropped, 3 dead"), (8, "2 pages appeared from nowhere: 8 entered")]
)
def test_books_that_do_not_balance_say_which_way(entered, said):
    counts = {"images": Count(1, 1), "pages": Count(entered, 4, {"x": 1, "y": 2}, 3)}
    with pytest.raises(ConservationError, match=said):
        check("extract", counts, "runs/first")
    check("extract", {"pages": Count(10, 4, {"x": 1, "y": 2}, 3)}, "runs/first")


PART = Part("documents/00000.parquet", 1, 2, "0")
ENTRY = ShardEntry("weft-00000", "train", "weft-00000-0.tar", 1, "0", 1, 1, 1, 1, 1, PART, PART)
STAGE = StageManifest("extract", "0" * 16, {}, {}, "0", {"unit": ("00000",)}, {"documents": (PART,)}, {"documents": Count(1, 1)})
RUN = RunManifest(
    "r", {}, {}, {}, {}, {"extract": {"digest": "0", "manifest_sha256": "0"}}, {"documents": (PART,)}, {}, (ENTRY,), "", files=(PART,)
)
OUTSIDE = ("../x", "a/../../x", "/etc/passwd", "..", "s3://bucket/x", "a//b", "", "a\\..\\b", "C:/x")


def test_manifests_are_read_back_as_they_were():
    assert loads_stage(dumps(STAGE), "m") == STAGE and loads_run(dumps_run(RUN), "m") == RUN


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_in_a_manifest_leads_out_of_its_folder(name):
    """A run made by others is read, verified, and rewritten by a takedown: everywhere by the names that it gives."""
    part = replace(PART, path=name)
    stages = [
        replace(STAGE, stage=name), replace(STAGE, digest=name), replace(STAGE, parts={"unit": ("00000", name)}), replace(STAGE, tables={"documents": (PART, part)}),
        replace(STAGE, tables={name: (PART,)}),
    ]  # fmt: skip
    for m in stages:
        with pytest.raises(ManifestError, match=r"^where: the name .* leads out of the folder"):
            loads_stage(dumps(m), "where")
    entries = [replace(ENTRY, id=name), replace(ENTRY, tar=name), replace(ENTRY, index=part), replace(ENTRY, energon=part)]
    runs = [
        replace(RUN, shard_folder=name), replace(RUN, files=(part,)), replace(RUN, tables={"documents": (part,)}), *(replace(RUN, shards=(e,)) for e in entries),
        replace(RUN, stages={name: RUN.stages["extract"]}), replace(RUN, stages={"extract": {"digest": name, "manifest_sha256": "0"}}),
    ]  # fmt: skip
    for m in runs:
        with pytest.raises(ManifestError, match=r"^where: the name .* leads out of the folder"):
            loads_run(dumps_run(m), "where")


@given(st.text("ab./:\\", max_size=8))
def test_what_is_inside_stays_inside(path):
    import posixpath

    try:
        inside(path)
    except ManifestError:
        return
    assert posixpath.normpath(posixpath.join("/run/folder", path)).startswith("/run/folder")


def test_a_path_that_is_no_text_is_no_manifest():
    with pytest.raises(ManifestError, match="not a stage manifest"):
        loads_stage(dumps(replace(STAGE, tables={"documents": (replace(PART, path=5),)})), "where")
