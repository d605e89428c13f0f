"""The arithmetic of an estimate: what starting costs is paid once, the rest grows with the bytes."""

from __future__ import annotations

import pytest

from pipelines.estimate import LEAST_ERROR, Sampled, StageCost, line, scaled, spread


@pytest.mark.parametrize("start, rate", [(0.0, 0.01), (5.0, 0.02), (12.5, 0.0)])
def test_a_line_is_found_again(start: float, rate: float) -> None:
    points = [(n, start + rate * n) for n in (100, 400)]
    assert line(points[0], points[1]) == (pytest.approx(start), pytest.approx(rate))


def test_a_line_that_would_start_below_zero_goes_through_it() -> None:
    assert line((100, 1.0), (400, 8.0)) == (0.0, 0.02)
    assert line((100, 3.0), (400, 2.0)) == (2.0, 0.0)  # noise: dearer on less
    assert line(None, (400, 2.0)) == line((400, 2.0), (400, 2.0)) == (0.0, 0.005)


def test_spread_is_two_standard_errors() -> None:
    assert spread([1.0, 1.0, 1.0]) == 0.0 and spread([4.0]) == 0.0 and spread([0.0, 0.0]) == 0.0
    assert spread([1.0, 3.0]) == pytest.approx(2 * 1.0 / 2.0)


def run(read: int, cpu: float) -> Sampled:
    extract = StageCost("extract", cpu, cpu / 2, 10 * read, {"documents": read // 10})
    return Sampled(read, read // 5, (extract, StageCost("score", 2 * cpu, cpu, read, {})))


def test_scaled() -> None:
    found = scaled(run(1000, 6.0), run(4000, 9.0), 100_000, 0.3, gpu=True)
    extract, score = found.stages
    assert extract.cpu_seconds == pytest.approx(5 + 100) and extract.wall_seconds == pytest.approx(52.5)
    assert score.cpu_seconds == pytest.approx(210) and found.gpu_seconds == pytest.approx(score.wall_seconds)
    assert extract.bytes == 1_000_000 and extract.kept == {"documents": 10_000} and found.pages == 20_000
    assert found.cpu_seconds == pytest.approx(315) and found.bytes == 1_100_000
    rest = found.only({"extract"})
    assert [s.stage for s in rest.stages] == ["extract"] and rest.cpu_seconds == pytest.approx(105) and rest.gpu_seconds == 0
    assert found.error == 0.3 and scaled(None, run(4000, 9.0), 8000).error == LEAST_ERROR
    assert scaled(None, run(4000, 9.0), 8000).gpu_seconds == 0


def test_workers_share_the_work_and_each_starts() -> None:
    small, large = run(1000, 6.0), run(4000, 9.0)
    one, four = (scaled(small, large, 100_000, workers=w, cores=2).stages[0] for w in (1, 4))
    assert (one.cpu_seconds, one.wall_seconds) == (pytest.approx(105), pytest.approx(52.5))
    assert (four.cpu_seconds, four.wall_seconds) == (pytest.approx(120), pytest.approx((2 * 5 + 50) / 2))


def test_what_children_said_of_their_start_is_no_part_of_the_line() -> None:
    a = Sampled(1000, 200, (StageCost("extract", 7.5, 7.5, 0, {}, 6.0),))
    b = Sampled(4000, 800, (StageCost("extract", 14.5, 14.5, 0, {}, 10.0),))  # a busy moment: the start alone took 4 s more
    assert scaled(a, b, 100_000).stages[0].cpu_seconds == pytest.approx(10 + 0.5 + 100)
    warm = Sampled(500, 100, (StageCost("extract", 20.0, 20.0, 0, {}, 12.0),))  # its children served the others, and this one compiled
    assert scaled(a, b, 100_000, first=warm).stages[0].cpu_seconds == pytest.approx(12 + 0.5 + 100)
    four = scaled(a, b, 100_000, workers=4, cores=4).stages[0]
    assert four.cpu_seconds == pytest.approx(4 * 10.5 + 100) and four.start_cpu_seconds == pytest.approx(42)


def sample(read: int, kept: int, images: int) -> Sampled:
    names = ("extract", "dedup", "fetch", "score", "select", "pack", "report")
    counts = {"extract": {"documents": read // 10, "images": read // 5}, "dedup": {"documents": kept, "images": images}}
    return Sampled(
        read,
        read // 5,
        tuple(StageCost(n, read / 100, read / 100, read, counts.get(n, {"documents": kept, "image_urls": images})) for n in names),
    )


def test_a_larger_input_holds_more_duplicates() -> None:
    found = {s.stage: s for s in scaled(sample(1000, 90, 200), sample(4000, 324, 720), 64_000).stages}
    # nine tenths of the share kept, twice more: 0.9 -> 0.81 at four times the size, so 0.81 * 0.9 ** 2 at 16 times that
    assert found["dedup"].kept == {"documents": round(6400 * 0.9**4), "images": round(12_800 * 0.9**3)}
    assert found["score"].cpu_seconds == pytest.approx(640 * 0.81) and found["pack"].bytes == round(64_000 * 0.81)
    assert found["extract"].cpu_seconds == found["report"].cpu_seconds == pytest.approx(640)  # they see every page
    assert found["extract"].kept == {"documents": 6400, "images": 12_800}


def test_two_small_samples_are_not_believed_beyond_measure() -> None:
    found = scaled(sample(1000, 100, 200), sample(4000, 40, 800), 64_000).stages[4]
    assert found.cpu_seconds == pytest.approx(640 * 16**-0.3)
    more = scaled(sample(1000, 50, 100), sample(4000, 400, 800), 64_000).stages[4]  # fewer duplicates in the larger one: chance
    assert more.cpu_seconds == pytest.approx(640)
