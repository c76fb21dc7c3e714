"""Spans of time, in milliseconds: what they cover together, what is left of them, how long they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """From a moment to another, which is not before it."""

    since: int
    until: int


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return what *spans* cover, in order, without overlaps and without what is empty."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.until > span.since):
        if found and span.since <= found[-1].until:
            found[-1] = Span(found[-1].since, max(found[-1].until, span.until))
        else:
            found.append(span)
    return found


def within(spans: Iterable[Span], bounds: Span) -> list[Span]:
    """Return what of *spans* lies within *bounds*."""
    return merged(Span(max(span.since, bounds.since), min(span.until, bounds.until)) for span in spans)


def minus(spans: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Return what of *spans* none of *others* covers."""
    left = merged(spans)
    for other in merged(others):
        left = [
            part
            for span in left
            for part in (Span(span.since, min(span.until, other.since)), Span(max(span.since, other.until), span.until))
        ]
    return merged(left)


def length_s(spans: Iterable[Span]) -> float:
    """Return how long *spans* are in all, seconds; they do not overlap."""
    return sum(span.until - span.since for span in spans) / 1000
