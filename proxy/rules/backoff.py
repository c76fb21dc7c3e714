"""How long to wait before trying again: one record after failures of its own, or everything after the upstream said "too many"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOUBLINGS_MAX: Final = 62
"""Beyond any ceiling in use, and far below where a float overflows."""


@dataclass(frozen=True, slots=True)
class BackoffPolicy:
    """Bounds of a wait: the interval after the first failure, and the longest there is."""

    base_s: float = 5.0
    ceiling_s: float = 900.0


RETRY_AFTER_MAX_S: Final = 3600.0
"""Longest Retry-After believed: a mistyped one must not keep a centre away for a year."""

RECORD: Final = BackoffPolicy()
THROTTLED: Final = BackoffPolicy(base_s=5.0, ceiling_s=300.0)


def delay_s(failures: int, draw: float, policy: BackoffPolicy = RECORD) -> float:
    """
    Return the wait before a record's next attempt, with full jitter.

    The interval is capped first and drawn from afterwards: capped after the draw, all records that failed often would meet again at
    the ceiling.

    Args:
        failures: Failures of the record's own, this one included, at least 1.
        draw: Uniform random number in [0, 1), drawn by the caller.
        policy: Bounds of the interval.

    Returns:
        Seconds, in [0, `policy.ceiling_s`).

    Raises:
        ValueError: *failures* is below 1 or *draw* is outside [0, 1).

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("full jitter").
    """
    if not 0 <= draw < 1:
        raise ValueError(f"draw must be in [0, 1), not {draw}")
    return draw * interval_s(failures, policy)


def throttled_s(times: int, retry_after_s: float | None) -> float:
    """
    Return how long everything waits after the upstream said "too many" *times* in a row.

    Its own Retry-After where it named one, believed up to an hour; else 5 s, doubled each time, at most 5 min.

    Raises:
        ValueError: *times* is below 1.
    """
    return interval_s(times, THROTTLED) if retry_after_s is None else min(retry_after_s, RETRY_AFTER_MAX_S)


def interval_s(failures: int, policy: BackoffPolicy) -> float:
    """Return `base_s` doubled for each failure after the first, at most `ceiling_s`; ValueError where *failures* is below 1."""
    if failures < 1:
        raise ValueError(f"failures must be at least 1, not {failures}")
    return min(policy.ceiling_s, policy.base_s * 2.0 ** min(failures - 1, DOUBLINGS_MAX))
