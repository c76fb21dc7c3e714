"""
How fast the sidecar may ask (DESIGN §6): records at once, calls a minute, when a centre's replay starts and how it is spread.

The figures were tried on all centres of a country at once: docs/decisions/0001-the-return-of-all-centres.md. Pure: `now` is monotonic
seconds and the draw an argument; a clock that goes backwards gives no token and takes none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

RESERVED_SHARE: Final = 0.2
"""One token in five is the replay's, however busy the desks are."""
PROBE_SHARE: Final = 0.25
BURST_S: Final = 10.0
"""Tokens are saved up for so many seconds, so that an idle hour does not end in a salvo."""
PROBE_BURST_S: Final = 60.0
"""Probes save for longer: a suspicion wants a few answers at once, and then none for hours."""
DEBT_S: Final = 60.0
"""A flood of live calls is held against the replay for at most so many seconds."""
SPARE_SHARE: Final = 0.25
"""What calls that nobody waits for may take of the rate at most."""
SPARE_EVERY_S: Final = 1.0
"""Seconds between two such calls, however much the upstream bears."""
TOKEN: Final = 1 - 1e-6
"""What counts as a token: who waited for the last of it must not find the sum rounded down and wait for nothing."""

WINDOW_SHARE: Final = 0.05
WINDOW_MIN_S: Final = 10.0
WINDOW_MAX_S: Final = 900.0
JITTER_SHARE: Final = 0.05

DRAIN_SHARE: Final = 0.5
"""A backlog is spread over so much of the time in which it came about: then all centres together add twice their usual load, no more."""
DRAIN_INTERVAL_MAX_S: Final = 120.0
"""A few records are not stretched over hours."""
STRETCH_MAX: Final = 8.0
STRETCH_EASE: Final = 0.9
"""What a good answer leaves of the stretch: one bad answer is made up for by seven good ones."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many records may be in flight, and how many good answers it has had since it last changed."""

    value: int = 1
    goods: int = 0


def limit_after(limit: Limit, *, good: bool, limit_max: int) -> Limit:
    """Return the limit after an answer, in [1, *limit_max*]: one more for a round of good ones, half for one bad or throttled."""
    if not good:
        return Limit(max(1, limit.value // 2))
    if limit.goods + 1 < limit.value:
        return Limit(limit.value, limit.goods + 1)
    return Limit(max(1, min(limit_max, limit.value + 1)))


@dataclass(frozen=True, slots=True)
class Drain:
    """How a backlog is spread: seconds between two of its records, 0 for no spreading, times the *stretch* that bad answers made."""

    interval_s: float = 0.0
    stretch: float = 1.0


def drain(records: int, trouble_s: float, spread_max_s: float, deadline_left_s: float | None = None) -> Drain:
    """
    Return how the backlog of an outage is spread over the time after it.

    A centre does not see the others, but it knows its own share: who sends what gathered in an hour over half an hour adds twice its
    usual load, and so does the whole country.

    Args:
        records: What waits.
        trouble_s: How long the upstream was in trouble.
        spread_max_s: 0 for no spreading at all.
        deadline_left_s: Time until the next deadline ahead; at least half of it is left over. None: there is none.
    """
    if records == 0 or spread_max_s == 0:
        return Drain()
    within_s = DRAIN_SHARE * trouble_s if deadline_left_s is None else min(DRAIN_SHARE * trouble_s, deadline_left_s / 2)
    return Drain(min(within_s / records, DRAIN_INTERVAL_MAX_S))


def drain_after(spread: Drain, *, good: bool) -> Drain:
    """Return the spread after an answer: a bad or throttled one doubles the interval, good ones bring it back."""
    stretch = max(1.0, STRETCH_EASE * spread.stretch) if good else min(STRETCH_MAX, 2 * spread.stretch)
    return replace(spread, stretch=stretch)


def drain_wait_s(spread: Drain, since_last_s: float) -> float:
    """Return the seconds until the next record of a spread backlog, *since_last_s* after the last one."""
    return max(0.0, spread.stretch * spread.interval_s - since_last_s)


@dataclass(frozen=True, slots=True)
class Bucket:
    """
    Tokens for calls to one upstream; `full` makes one.

    `rate_s` is tokens per second, None for no bound. `shared` goes to whoever asks, below zero for live calls; `reserved` to replay
    alone; `probes` is what probes may take of it all. `at` is when they were last filled.
    """

    rate_s: float | None
    shared: float
    reserved: float
    probes: float
    at: float


def full(calls_per_minute: float | None, now: float) -> Bucket:
    """Return a full bucket; ValueError where *calls_per_minute* is not above zero."""
    if calls_per_minute is None:
        return Bucket(None, 0.0, 0.0, 0.0, now)
    if calls_per_minute <= 0:
        raise ValueError(f"calls_per_minute must be above 0, not {calls_per_minute}; leave it out for no bound")
    rate_s = calls_per_minute / 60
    return Bucket(rate_s, _shared_max(rate_s), _reserved_max(rate_s), _probes_max(rate_s), now)


def take_live(bucket: Bucket, now: float) -> Bucket:
    """Return the bucket after a live call: it is counted and never waits."""
    bucket = _filled(bucket, now)
    return bucket if bucket.rate_s is None else replace(bucket, shared=_lowered(bucket.shared, bucket.rate_s))


def take_replay(bucket: Bucket, now: float) -> tuple[Bucket, float]:
    """Return the bucket and 0 where a record may be sent, else the bucket and the seconds after which to ask again."""
    bucket = _filled(bucket, now)
    if bucket.rate_s is None:
        return bucket, 0.0
    if bucket.shared >= TOKEN:
        return replace(bucket, shared=bucket.shared - 1), 0.0
    if bucket.reserved >= TOKEN:
        return replace(bucket, reserved=bucket.reserved - 1), 0.0
    shared_s = (1 - bucket.shared) / (bucket.rate_s * (1 - RESERVED_SHARE))
    return bucket, min(shared_s, (1 - bucket.reserved) / (bucket.rate_s * RESERVED_SHARE))


def take_probe(bucket: Bucket, now: float) -> tuple[Bucket, float]:
    """
    Return the bucket and 0 where a probe may go out, else the bucket and the seconds after which to ask again.

    A probe waits for the probes' own share only, and is counted against all: live calls must not blind us.
    """
    bucket = _filled(bucket, now)
    if bucket.rate_s is None:
        return bucket, 0.0
    if bucket.probes < TOKEN:
        return bucket, (1 - bucket.probes) / (bucket.rate_s * PROBE_SHARE)
    return replace(bucket, probes=bucket.probes - 1, shared=_lowered(bucket.shared, bucket.rate_s)), 0.0


def take_spare(bucket: Bucket, now: float, since_last_s: float) -> tuple[Bucket, float]:
    """
    Return the bucket and 0 where a call may go out that nobody waits for, else the bucket and the seconds after which to ask again.

    It takes of a full bucket only, what would be spilt next: whatever else is asked leaves nothing for it.

    Args:
        bucket: Of all calls.
        now: Monotonic seconds.
        since_last_s: Since the last such call.
    """
    bucket = _filled(bucket, now)
    if bucket.rate_s is None:
        return bucket, max(0.0, SPARE_EVERY_S - since_last_s)
    short_s = (_shared_max(bucket.rate_s) - bucket.shared) / (bucket.rate_s * (1 - RESERVED_SHARE))
    wait_s = max(short_s, max(SPARE_EVERY_S, 1 / (bucket.rate_s * SPARE_SHARE)) - since_last_s)
    return (bucket, wait_s) if wait_s > 0 else (replace(bucket, shared=bucket.shared - 1), 0.0)


def start_delay_s(
    centre_id: str, installation_id: bytes, outage_s: float, draw: float, spread_max_s: float, retry_after_s: float | None = None
) -> float:
    """
    Return how long this centre's replay waits once the upstream is back, so that not all centres start in one second.

    The slot is the centre's own and the same in every outage; a little jitter keeps two with neighbouring slots apart.

    Args:
        centre_id: `centre.id` of the configuration.
        installation_id: Made at the first start; keeps apart centres that were given the same id.
        outage_s: How long the outage lasted.
        draw: Uniform random number in [0, 1), drawn by the caller.
        spread_max_s: Longest delay; 0 for no spreading.
        retry_after_s: The upstream's own wish, which widens the window.

    Returns:
        Seconds, in [0, window): the window is 5 % of the outage, 10 s to 15 min, or *retry_after_s* when that is longer, and never
        more than *spread_max_s*. 0 where that is 0.
    """
    own_s = min(max(WINDOW_SHARE * outage_s, WINDOW_MIN_S), WINDOW_MAX_S)
    window_s = min(max(own_s, retry_after_s or 0.0), spread_max_s)
    return window_s * ((1 - JITTER_SHARE) * _slot(centre_id, installation_id) + JITTER_SHARE * draw)


def _slot(centre_id: str, installation_id: bytes) -> float:
    digest = hashlib.blake2b(centre_id.encode(), key=installation_id, digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _filled(bucket: Bucket, now: float) -> Bucket:
    if bucket.rate_s is None:
        return bucket
    tokens = bucket.rate_s * max(0.0, now - bucket.at)
    reserved = bucket.reserved + RESERVED_SHARE * tokens
    spilt = max(0.0, reserved - _reserved_max(bucket.rate_s))  # what the full reserve cannot hold is anybody's
    return Bucket(
        rate_s=bucket.rate_s,
        shared=min(_shared_max(bucket.rate_s), bucket.shared + (1 - RESERVED_SHARE) * tokens + spilt),
        reserved=reserved - spilt,
        probes=min(_probes_max(bucket.rate_s), bucket.probes + PROBE_SHARE * tokens),
        at=now,
    )


def _lowered(shared: float, rate_s: float) -> float:
    return max(shared - 1, -DEBT_S * rate_s)


def _shared_max(rate_s: float) -> float:
    return max(1.0, BURST_S * rate_s * (1 - RESERVED_SHARE))


def _reserved_max(rate_s: float) -> float:
    return max(1.0, BURST_S * rate_s * RESERVED_SHARE)


def _probes_max(rate_s: float) -> float:
    return max(1.0, PROBE_BURST_S * rate_s * PROBE_SHARE)
