"""The conservation law: in = kept + dropped + dead, and what is said when it does not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stage import ConservationError, check
from schemas.manifest import Count

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
