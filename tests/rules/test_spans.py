from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.spans import Span, length_s, merged, minus, within

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda one: Span(one[0], one[0] + one[1])), max_size=8)


def moments(spans: list[Span]) -> set[int]:
    return {moment for span in spans for moment in range(span.since, span.until)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_moments_in_order_and_apart(some: list[Span], others: list[Span]) -> None:
    bounds = Span(10, 30)
    for found, expected in (
        (merged(some), moments(some)),
        (minus(some, others), moments(some) - moments(others)),
        (within(some, bounds), moments(some) & moments([bounds])),
    ):
        assert moments(found) == expected
        assert length_s(found) * 1000 == len(expected)
        assert all(before.until < after.since for before, after in pairwise(found))
        assert all(span.since < span.until for span in found)
