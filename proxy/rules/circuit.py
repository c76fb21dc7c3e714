"""
The circuit of one group of routes: whether the upstream is up, as its answers tell (DESIGN §5).

A good call speaks for the probes too, but a good probe does not speak for the calls: it asks for something cheaper, and in May 2021
one route answered 504 for hours while its neighbours were fine.

All times are monotonic seconds, chosen by the caller; a clock that goes backwards delays a decision and breaks nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, assert_never

from proxy.rules.backoff import RETRY_AFTER_MAX_S


class Phase(StrEnum):
    """What the circuit lets through."""

    CLOSED = "closed"
    """Everything goes through."""
    SUSPECT = "suspect"
    """Everything goes through, and the probe asks every second."""
    OPEN = "open"
    """Nothing goes through: an outage."""
    HALF_OPEN = "half-open"
    """One call at a time goes through: the outage may be over."""


_P = Phase

PHASES: Final[Mapping[Phase, frozenset[Phase]]] = {
    _P.CLOSED: frozenset({_P.SUSPECT, _P.OPEN}),
    _P.SUSPECT: frozenset({_P.CLOSED, _P.OPEN}),
    _P.OPEN: frozenset({_P.HALF_OPEN}),
    _P.HALF_OPEN: frozenset({_P.OPEN, _P.CLOSED}),
}
"""From each phase, the phases it may go to."""


class Sign(StrEnum):
    """What one answer, or its absence, says about the upstream."""

    GOOD = "good"
    """An answer in the upstream's own format; a refusal is one."""
    NOT_SENT = "not-sent"
    """No connection, so no payload can have provoked it."""
    IMPOSTOR = "impostor"
    """Somebody else answered in its place."""
    BAD = "bad"
    """Any other failure: unknown or unavailable."""
    SLOW = "slow"
    """No answer within `slow_after_s`; the send goes on, and its end is evidence of its own."""
    THROTTLED = "throttled"
    """Alive, but taking nothing: an outage only after two minutes without a good answer."""
    AUTH = "auth"
    """Refused the credential: alive, which is what a probe asks; of a call it says neither that it works nor that it does not."""
    REVOKED = "revoked"
    """Refused the sidecar's own credential, or a client's that it took before: then it is not one person's mistake."""
    NEUTRAL = "neutral"
    """No evidence."""


BAD_SIGNS: Final = frozenset({Sign.NOT_SENT, Sign.IMPOSTOR, Sign.BAD, Sign.SLOW, Sign.REVOKED})
NETWORK_SIGNS: Final = frozenset({Sign.NOT_SENT, Sign.IMPOSTOR})
"""Bad signs of which one is enough to suspect, or to reopen."""

THROTTLED_CAUSE: Final = "throttled"
AUTH_CAUSE: Final = "auth"
CAUSES: Final[Mapping[Sign, str]] = {Sign.THROTTLED: THROTTLED_CAUSE, Sign.REVOKED: AUTH_CAUSE}
"""Signs that are a cause by themselves; of the others the answer has its own word."""

SUSPECT_VOICES: Final = 2
SUSPECT_WITHIN_S: Final = 10.0
ROW_VOICES: Final = 3
ROW_OVER_S: Final = 5.0
ROW_FORGOTTEN_S: Final = 900.0
"""Age at which a failure is no longer part of a row: two a day apart are not one outage of a day."""
ROW_MAX: Final = 32
REFUSED_TIMES: Final = 3
REVOKED_VOICES: Final = 3
"""Principals, or lanes under the sidecar's own credential: a server that forbids something of one person stops nobody else's."""
SHARE: Final = 0.5
SHARE_VOICES: Final = 10
SHARE_WITHIN_S: Final = 30.0
RECENT_MAX: Final = 256
"""Answers remembered for the share; a busier centre than eight calls a second is judged by its last 256."""
THROTTLED_OVER_S: Final = 120.0
GOOD_PROBES: Final = 3
GOOD_CALLS_UNPROBED: Final = 3
"""Good calls that close a group without a probe: there is nothing else to go by."""
CANARY_FACTOR_MAX: Final = 8
"""Longest wait between canaries of a group without a probe, in `probe_max_s`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a group is watched; `probe_idle_s` is for one that is well and silent, `slow_after_s` the caller's timer for `Sign.SLOW`."""

    probe_every_s: float = 2.0
    probe_max_s: float = 15.0
    slow_after_s: float = 10.0
    has_probe: bool = True
    probe_idle_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What one call or probe says.

    `generation` is the circuit's when it was asked, at `asked_at`; `cause` a word of the outage ledger (`timeout`, `http_503`,
    `portal`, `slow`), `said` the answer in the ledger's words (`Outcome.said`); `lane` None for a probe or a call without lane; `refused`
    says that the connection was refused.
    """

    sign: Sign
    generation: int
    asked_at: float
    cause: str = ""
    lane: bytes | None = None
    probe: bool = False
    refused: bool = False
    retry_after_s: float | None = None
    said: str = ""

    @property
    def bad(self) -> bool:
        """Whether it counts towards opening."""
        return self.sign in BAD_SIGNS

    @property
    def voice(self) -> bytes | float:
        """Who says it: one payload that provokes a 500 again and again is one voice, and so is one call that is slow and then fails."""
        return self.asked_at if self.lane is None or self.sign is Sign.NOT_SENT else self.lane


@dataclass(frozen=True, slots=True)
class Heard:
    """
    Evidence, when it came, and since when what it says has been so: when it was asked, but not before the last good answer.

    `good_at` is when that came, None where none is known.
    """

    evidence: Evidence
    at: float
    since: float
    good_at: float | None = None


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The upstream's wish not to be asked for `wait_s` seconds from `said_at` on."""

    said_at: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Downtime:
    """
    The open and half-open time: what the outage row is made of.

    `first_bad_at` is the first failure of the run that opened it, `opened_at` the latest opening, `last_bad_at` the last bad answer
    that counted, `good_since` the first good answer of the run that may hold; first_bad_at ≤ last_bad_at ≤ good_since.

    It began after `good_at` (the last good answer before it) and by `known_at` (when the first failure was), and lasted at least until
    `asked_at`, when the latest question was asked that failed; None where nothing is known, as of an outage that is resumed.
    `first_said` and `last_said` are its first and latest failure in words.
    """

    first_bad_at: float
    opened_at: float
    last_bad_at: float
    cause: str
    good_since: float | None = None
    good_at: float | None = None
    known_at: float | None = None
    asked_at: float | None = None
    first_said: str = ""
    last_said: str = ""

    def failed(self, evidence: Evidence, now: float) -> Downtime:
        """Return it with one failure more, just come."""
        asked_at = evidence.asked_at if self.asked_at is None else max(self.asked_at, evidence.asked_at)
        return replace(self, last_bad_at=now, asked_at=asked_at, last_said=evidence.said)


@dataclass(frozen=True, slots=True)
class Circuit:
    """
    One group's circuit; `Circuit()` is one that has heard nothing yet.

    `generation` changes on every way but those between closed and suspect. `row` holds the bad answers since the last good one, one
    for each voice. `downtime` is None while closed or suspect. `taken` is the half-open circuit's one permit. `troubled_since` and
    `calm_since` are the bounds of the latest trouble (see `trouble_s`).
    """

    phase: Phase = Phase.CLOSED
    generation: int = 0
    recent: tuple[Heard, ...] = ()
    row: tuple[Heard, ...] = ()
    throttled: Heard | None = None
    good_at: float | None = None
    good_call_at: float | None = None
    retry_after: RetryAfter | None = None
    downtime: Downtime | None = None
    good_probes: int = 0
    good_calls: int = 0
    taken: bool = False
    canary_at: float = 0.0
    canary_wait_s: float = 0.0
    troubled_since: float | None = None
    calm_since: float | None = None


class Admit(StrEnum):
    """Whether a call may go out now."""

    FREELY = "freely"
    SINGLY = "singly"
    """With the one permit: `take` it, and `release` it when the call has ended."""
    NO = "no"


def resumed(cause: str, since: float, now: float) -> Circuit:
    """Return the circuit of a group whose outage was running when the process before this one ended."""
    return Circuit(phase=Phase.OPEN, generation=1, downtime=Downtime(since, now, since, cause), canary_at=now, troubled_since=since)


def admits(circuit: Circuit, now: float, policy: Policy) -> Admit:
    """Return whether a live call may go out; where a group has no probe, or a probe shows nothing, live calls are its canaries."""
    match circuit.phase:
        case Phase.CLOSED | Phase.SUSPECT:
            return Admit.FREELY
        case Phase.HALF_OPEN:
            free = (policy.has_probe and not _in_auth(circuit)) or _canary_due(circuit, now)
        case Phase.OPEN:
            free = not policy.has_probe and _canary_due(circuit, now)
        case _:
            assert_never(circuit.phase)
    return Admit.SINGLY if free and not circuit.taken else Admit.NO


def admits_canary(circuit: Circuit, now: float, policy: Policy, start_at: float) -> bool:
    """Return whether replay may take the permit for a canary; a half-open circuit gives it from the start slot *start_at* on."""
    return admits(circuit, now, policy) is Admit.SINGLY and (circuit.phase is Phase.OPEN or now >= start_at)


def take(circuit: Circuit) -> Circuit:
    """Return *circuit* with its permit taken; ValueError when it has been."""
    if circuit.taken:
        raise ValueError("the permit is taken: ask admits() first")
    return replace(circuit, taken=True)


def release(circuit: Circuit, generation: int) -> Circuit:
    """Return *circuit* with the permit free again, if it was taken in this *generation*."""
    return replace(circuit, taken=False) if generation == circuit.generation else circuit


def downtime_of(circuit: Circuit) -> Downtime:
    """Return the downtime of an open or half-open circuit; ValueError for one that is neither."""
    if circuit.downtime is None:
        raise ValueError(f"a {circuit.phase} circuit has no downtime")
    return circuit.downtime


def trouble_s(circuit: Circuit, now: float) -> float:
    """
    Return for how long the upstream has been in trouble, in seconds; 0 where it is not.

    An outage casts a shadow of its own length: what fails again within it is the old trouble. A server that comes back and falls over
    must not be asked as if its outage had just begun.
    """
    if circuit.troubled_since is None:
        return 0.0
    if circuit.calm_since is None:
        return max(0.0, now - circuit.troubled_since)
    lasted_s = circuit.calm_since - circuit.troubled_since
    return lasted_s if now - circuit.calm_since <= lasted_s else 0.0


def retry_left_s(circuit: Circuit, now: float) -> float:
    """Return the seconds for which the upstream still does not want to be asked, in [0, `RETRY_AFTER_MAX_S`]."""
    wish = circuit.retry_after
    return 0.0 if wish is None else min(max(0.0, wish.said_at + wish.wait_s - now), wish.wait_s)


def observe(circuit: Circuit, evidence: Evidence, now: float, policy: Policy) -> Circuit:
    """
    Return the circuit after *evidence*.

    An answer to a question of an earlier generation moves nothing: it tells of a time that has been judged already.
    """
    if evidence.generation != circuit.generation or evidence.sign is Sign.NEUTRAL:
        return circuit
    if evidence.retry_after_s is not None:
        circuit = replace(circuit, retry_after=RetryAfter(now, min(evidence.retry_after_s, RETRY_AFTER_MAX_S)))
    match circuit.phase:
        case Phase.CLOSED | Phase.SUSPECT:
            return _while_closed(circuit, evidence, now, policy)
        case Phase.OPEN:
            return _while_open(circuit, evidence, now, policy)
        case Phase.HALF_OPEN:
            return _while_half_open(circuit, evidence, now, policy)
        case _:
            assert_never(circuit.phase)


def settle_idle(circuit: Circuit, now: float, policy: Policy) -> Circuit:
    """
    Return the circuit of a group with nothing that could be sent now: without a call to wait for, the probes alone close it.

    A group without a probe is closed by the one good call it had.
    """
    enough = circuit.good_probes >= GOOD_PROBES if policy.has_probe else circuit.good_calls >= 1
    return _closed(circuit, now) if circuit.phase is Phase.HALF_OPEN and enough and not _in_auth(circuit) else circuit


def _in_auth(circuit: Circuit) -> bool:
    """
    Whether refused credentials are what the downtime is.

    A probe needs no credential, or has been refused with it all along: that it is taken again only a call can show.
    """
    return circuit.downtime is not None and circuit.downtime.cause == AUTH_CAUSE


def _while_closed(circuit: Circuit, evidence: Evidence, now: float, policy: Policy) -> Circuit:
    if _is_good(evidence):
        return _calmed(_with_good(circuit, evidence, now), now)
    if evidence.sign is Sign.AUTH:
        return circuit
    circuit = _with_bad(circuit, evidence, now)
    if grounds := _grounds(circuit, now):
        return _opened(circuit, grounds, now, policy)
    return replace(circuit, phase=Phase.SUSPECT) if _suspicious(circuit, evidence, now) else circuit


def _while_open(circuit: Circuit, evidence: Evidence, now: float, policy: Policy) -> Circuit:
    if _is_good(evidence) or evidence.sign is Sign.AUTH:
        return _half_opened(circuit, evidence, now)
    return _canary_put_off(replace(circuit, downtime=downtime_of(circuit).failed(evidence, now)), now, policy)


def _while_half_open(circuit: Circuit, evidence: Evidence, now: float, policy: Policy) -> Circuit:
    if _is_good(evidence) or _is_answered(circuit, evidence, policy):
        circuit = _counted(_with_good(circuit, evidence, now), evidence)
        return _closed(circuit, now) if _proven(circuit, policy) else circuit
    if evidence.sign is Sign.AUTH:
        return _canary_put_off(circuit, now, policy) if _in_auth(circuit) else circuit
    circuit = _canary_put_off(_with_bad(circuit, evidence, now), now, policy)
    surely = evidence.bad and (evidence.probe or evidence.sign in NETWORK_SIGNS or _still_revoked(circuit, evidence))
    return _reopened(circuit, evidence, now) if surely or len(circuit.row) >= ROW_VOICES or _throttled_long(circuit, now) else circuit


def _still_revoked(circuit: Circuit, evidence: Evidence) -> bool:
    return evidence.sign is Sign.REVOKED and _in_auth(circuit)


def _is_answered(circuit: Circuit, evidence: Evidence, policy: Policy) -> bool:
    """Whether a refused credential has to do for a good probe, where there is none; not where that is what the outage is."""
    return evidence.sign is Sign.AUTH and not policy.has_probe and not _in_auth(circuit)


def _is_good(evidence: Evidence) -> bool:
    return evidence.sign is Sign.GOOD or (evidence.sign is Sign.AUTH and evidence.probe)


def _with_good(circuit: Circuit, evidence: Evidence, now: float) -> Circuit:
    recent = (*circuit.recent, Heard(evidence, now, now))[-RECENT_MAX:]
    if not evidence.probe:
        return replace(circuit, recent=recent, row=(), throttled=None, good_at=now, good_call_at=now)
    row = tuple(heard for heard in circuit.row if not _answered_by_probe(heard))
    throttled = circuit.throttled if circuit.throttled and not _answered_by_probe(circuit.throttled) else None
    return replace(circuit, recent=recent, row=row, throttled=throttled, good_at=now)


def _answered_by_probe(heard: Heard) -> bool:
    return heard.evidence.probe or heard.evidence.sign is Sign.NOT_SENT


def _with_bad(circuit: Circuit, evidence: Evidence, now: float) -> Circuit:
    disproved = circuit.good_at if evidence.probe or evidence.sign is Sign.NOT_SENT else circuit.good_call_at
    since = evidence.asked_at if disproved is None else max(evidence.asked_at, disproved)
    heard = Heard(evidence, now, min(since, now), disproved)
    if evidence.sign is Sign.THROTTLED:
        first = circuit.throttled
        return circuit if first and now - first.at <= ROW_FORGOTTEN_S else replace(circuit, throttled=heard)
    row = tuple(other for other in circuit.row if now - other.at <= ROW_FORGOTTEN_S)
    if len(row) < ROW_MAX and evidence.voice not in _voices(row):
        row = (*row, heard)
    return replace(circuit, row=row, recent=(*circuit.recent, heard)[-RECENT_MAX:])


def _voices(heard: Iterable[Heard]) -> set[bytes | float]:
    return {one.evidence.voice for one in heard}


def _suspicious(circuit: Circuit, evidence: Evidence, now: float) -> bool:
    late = (heard for heard in circuit.recent if heard.evidence.bad and now - heard.at <= SUSPECT_WITHIN_S)
    return evidence.sign in NETWORK_SIGNS or len(_voices(late)) >= SUSPECT_VOICES


def _calmed(circuit: Circuit, now: float) -> Circuit:
    if circuit.retry_after is not None:
        circuit = replace(circuit, retry_after=None)
    if circuit.phase is Phase.SUSPECT and not any(now - heard.at <= SUSPECT_WITHIN_S for heard in circuit.row):
        circuit = replace(circuit, phase=Phase.CLOSED)
    return circuit


def _grounds(circuit: Circuit, now: float) -> Sequence[Heard]:
    """Return the answers that say the upstream is down; empty while they do not suffice."""
    row = circuit.row
    refused = sum(heard.evidence.refused for heard in row)
    if refused >= REFUSED_TIMES or (len(row) >= ROW_VOICES and now - _earliest(row) >= ROW_OVER_S):
        return row
    revoked = [heard for heard in row if heard.evidence.sign is Sign.REVOKED]
    if len(revoked) >= REVOKED_VOICES:
        return revoked
    recent = [heard for heard in circuit.recent if now - heard.at <= SHARE_WITHIN_S]
    calls = [heard for heard in recent if not heard.evidence.probe]
    judged = calls if len(_voices(calls)) >= SHARE_VOICES else recent
    bad = [heard for heard in judged if heard.evidence.bad]
    if len(_voices(judged)) >= SHARE_VOICES and len(_voices(bad)) >= SHARE * len(_voices(judged)):
        return bad
    return (circuit.throttled,) if circuit.throttled is not None and _throttled_long(circuit, now) else ()


def _throttled_long(circuit: Circuit, now: float) -> bool:
    return circuit.throttled is not None and now - circuit.throttled.since >= THROTTLED_OVER_S


def _earliest(heard: Iterable[Heard]) -> float:
    return min(one.since for one in heard)


def _cause(grounds: Iterable[Heard]) -> str:
    words = (CAUSES.get(heard.evidence.sign, heard.evidence.cause) for heard in grounds)
    return Counter(words).most_common(1)[0][0]


def _opened(circuit: Circuit, grounds: Sequence[Heard], now: float, policy: Policy) -> Circuit:
    first, last = min(grounds, key=lambda heard: heard.since), max(grounds, key=lambda heard: heard.evidence.asked_at)
    downtime = Downtime(
        first_bad_at=first.since,
        opened_at=now,
        last_bad_at=now,
        cause=_cause(grounds),
        good_at=first.good_at,
        known_at=first.at,
        asked_at=last.evidence.asked_at,
        first_said=first.evidence.said,
        last_said=last.evidence.said,
    )
    since = circuit.troubled_since if trouble_s(circuit, now) > 0 else downtime.first_bad_at
    return _canary_put_off(replace(_turned(circuit, Phase.OPEN), downtime=downtime, troubled_since=since, calm_since=None), now, policy)


def _reopened(circuit: Circuit, evidence: Evidence, now: float) -> Circuit:
    downtime = replace(downtime_of(circuit).failed(evidence, now), opened_at=now, good_since=None)
    return replace(_turned(circuit, Phase.OPEN), downtime=downtime)


def _half_opened(circuit: Circuit, evidence: Evidence, now: float) -> Circuit:
    downtime = replace(downtime_of(circuit), good_since=now)
    circuit = replace(_turned(circuit, Phase.HALF_OPEN), downtime=downtime)
    if not _in_auth(circuit):  # there a good probe would have the next dose be a canary, each time, and its desk be told 401
        circuit = replace(circuit, canary_at=now, canary_wait_s=0.0)
    return _counted(_with_good(circuit, evidence, now), evidence) if _is_good(evidence) else circuit


def _closed(circuit: Circuit, now: float) -> Circuit:
    return replace(_turned(circuit, Phase.CLOSED), downtime=None, retry_after=None, canary_wait_s=0.0, calm_since=now)


def _turned(circuit: Circuit, phase: Phase) -> Circuit:
    """Return *circuit* in a new generation, with nothing of what the one before was counting."""
    generation = circuit.generation + 1
    return replace(circuit, phase=phase, generation=generation, recent=(), row=(), throttled=None, good_probes=0, good_calls=0, taken=False)


def _counted(circuit: Circuit, evidence: Evidence) -> Circuit:
    if evidence.probe:
        return replace(circuit, good_probes=circuit.good_probes + 1)
    return replace(circuit, good_calls=circuit.good_calls + 1, canary_wait_s=0.0)


def _proven(circuit: Circuit, policy: Policy) -> bool:
    if policy.has_probe:
        return circuit.good_probes >= GOOD_PROBES and circuit.good_calls >= 1
    return circuit.good_calls >= GOOD_CALLS_UNPROBED


def _canary_put_off(circuit: Circuit, now: float, policy: Policy) -> Circuit:
    wait_s = min(max(policy.probe_every_s, 2 * circuit.canary_wait_s), CANARY_FACTOR_MAX * policy.probe_max_s)
    return replace(circuit, canary_wait_s=wait_s, canary_at=now + max(wait_s, retry_left_s(circuit, now)))


def _canary_due(circuit: Circuit, now: float) -> bool:
    longest_s = max(circuit.canary_wait_s, circuit.retry_after.wait_s if circuit.retry_after else 0.0)
    # Further ahead than it was ever put off: the clock went backwards.
    return now >= circuit.canary_at or circuit.canary_at - now > longest_s
