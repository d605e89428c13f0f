from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.guard import Death, GuardLimits
from pipelines.images import stream
from pipelines.images.decode import SEEN, DecodeSetup
from pipelines.images.prepare import Target
from tests.support.pictures import encoded, scene

SETUP = DecodeSetup(("jpeg", "png"), 50_000_000, 1 << 26, 128, target=Target(32, 32))
LIMITS = GuardLimits(memory_bytes=2 << 30, seconds_per_item=1.0)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    stream.release()


@pytest.mark.parametrize("decoders", [1, 2])
def test_a_crashing_hanging_or_eating_decoder_costs_one_picture_each(decoders):
    good = encoded(scene(120, 90), "JPEG")
    items = [good] * 150
    bad = {20: (b"SEG", "crash"), 70: (b"EAT", "memory"), 75: (b"HNG", "timeout"), 140: (b"LIE", "crash")}
    for i, (data, _) in bad.items():
        items[i] = data + bytes(100)
    got = list(
        stream.decoded(list(enumerate(items)), lambda x: SEEN + x[1], SETUP, LIMITS, 16, decoders, "tests.support.bad_decoders:make")
    )
    assert [i for (i, _), _, _ in got] == list(range(150))
    for (i, _), facts, pixels in got:
        if i in bad:
            assert isinstance(facts, Death) and facts.kind == bad[i][1], (i, facts)
        else:
            assert facts["status"] == "ok" and pixels.shape == (32, 32, 3)


def test_what_reading_raises_reaches_the_caller():
    def read(_):
        raise OSError("blob gone")

    with pytest.raises(OSError, match="blob gone"):
        list(stream.decoded([1, 2], read, SETUP, LIMITS, 4))


def test_the_caller_may_stop_early():
    good = encoded(scene(120, 90), "JPEG")
    got = stream.decoded(list(range(2000)), lambda _: SEEN + good, SETUP, LIMITS, 16)
    assert next(got)[1]["status"] == "ok"
    got.close()  # joins the decoding thread


def test_nothing_in_nothing_out():
    assert list(stream.decoded([], lambda _: b"", SETUP, LIMITS, 16)) == []
