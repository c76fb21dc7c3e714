"""Asking the upstream whether it has the fact of a record: when that is needed, what to ask, and what the answer means (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from proxy.profiles.expressions import Expression
from proxy.profiles.model import LookUp
from proxy.rules.identity import id_text
from proxy.rules.outcome import Outcome, OutcomeKind, view_of
from proxy.rules.wire import Answer, Exchange

View = Mapping[str, Any]

GOOD_FOR_MS: Final = 5 * 60 * 1000
"""Shortest time for which a *not there* is good: the paced send waits for its turn, and what came too late would be asked for ever."""

_OWN_WORD: Final = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.ALREADY_RECORDED})
"""Outcomes that are the upstream's own word; anybody could have said the others."""

_NOT_ITS_OWN: Final = frozenset({OutcomeKind.NOT_SENT, OutcomeKind.THROTTLED, OutcomeKind.AUTH, OutcomeKind.IMPOSTOR})
"""Failures that say something of the line, the pace or the log-in, never of the record that was asked for."""


class Found(StrEnum):
    """What a look-up found."""

    THERE = "there"
    """The upstream has it."""
    OTHER_CONTENT = "other-content"
    """The upstream has the fact with other content, or what may be it: a person decides."""
    NOT_THERE = "not-there"
    """Not yet: only after the settle time is it sent again."""
    AMBIGUOUS = "ambiguous"
    """Which one it is cannot be told: a person decides."""
    FAILED = "failed"
    """Nothing is known: ask again; the record keeps its state."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What a look-up came to; `reason` is without personal data, `real_id` the id that the upstream issued.

    `own`: the failure can be the record's own, as the upstream was asked, and answered or broke off.
    """

    found: Found
    reason: str
    real_id: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Unsent:
    """
    What of a record decides whether to look before sending. Times are wall-clock milliseconds UTC.

    `issues_id`: its route issues an id. `adopted`: it concerns a person whose provisional id turned out to be an existing person's.
    `restored`: it was unsent when the copy was made that its journal is. `looked_up_at`: the last look-up that found it not there.
    `clock_doubtful`: the clock was in doubt when it was recorded, or is now: nobody can tell its age.
    """

    recorded_at: int
    maybe_applied: bool = False
    issues_id: bool = False
    adopted: bool = False
    exported_at: int | None = None
    restored: bool = False
    looked_up_at: int | None = None
    clock_doubtful: bool = False


def needs_look_up(record: Unsent, now: int, after_s: float) -> bool:
    """
    Whether replay has to look before it sends *record*.

    Args:
        record: As it stands.
        now: Wall-clock milliseconds UTC.
        after_s: `replay.look_up_after`: the age from which somebody may have entered it by hand, and how long a *not there* is good, which
            is at least `GOOD_FOR_MS`.
    """
    if record.maybe_applied:
        return True
    after = int(after_s * 1000)
    # Not compared with when it was recorded, exported or restored: every look-up that still counts came after that (an export and a
    # restore take the earlier ones' word away), whatever a clock that was put back says; to compare would be to ask for ever.
    if record.looked_up_at is not None and now - record.looked_up_at < max(after, GOOD_FOR_MS):
        return False
    marked = record.exported_at is not None or record.restored
    ageless = record.clock_doubtful or now < record.recorded_at
    return record.issues_id or record.adopted or marked or ageless or now - record.recorded_at >= after


def settle_left_s(sent_s: float, outage_ended_s: float | None, settle_s: float, now_s: float) -> float:
    """
    Return for how long a *not there* is not believed yet: the upstream may still be working off what it was sent.

    By the clock that nobody can set: one that was put forward must not make this shorter, or a dose would count twice.

    Args:
        sent_s: End of the last send, boot seconds.
        outage_ended_s: End of the latest outage of the group, or its last failure so far; None where there was none.
        settle_s: The profile's, or `replay.settle`.
        now_s: Boot seconds.

    Returns:
        Seconds, in [0, settle_s].
    """
    since_s = sent_s if outage_ended_s is None else max(sent_s, outage_ended_s)
    return min(settle_s, max(0.0, since_s + settle_s - now_s))


def question(look_up: LookUp, request: View) -> str | None:
    """
    Return path and query of the call that looks for a record; None where the record does not say what to ask for.

    Args:
        look_up: The route's.
        request: The record as it would go up, with real ids, as `request_view` shows it.
    """
    data = {"request": request}
    query = query_of(look_up.query, data) or query_of(look_up.or_query, data)
    return f"{look_up.path}?{query}" if query else None


def query_of(declared: Mapping[str, Expression], data: View) -> str | None:
    """Return the query whose values *data* give; None where one of them is not to be had."""
    values = {name: id_text(value.search(data)) for name, value in declared.items()}
    pairs = [f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in values.items() if text is not None]
    return "&".join(pairs) if len(pairs) == len(values) else None


def judge(look_up: LookUp, request: View, exchange: Exchange, outcome: Outcome) -> Finding:
    """
    Return what a look-up found.

    Args:
        look_up: The route's.
        request: The record as it would go up, with real ids, as `request_view` shows it.
        exchange: What came of the call.
        outcome: What `classify` says of it, by `Profile.answers_of_look_up`.
    """
    if isinstance(exchange, Answer) and outcome.kind in _OWN_WORD:
        view = view_of(exchange)
        if look_up.none is not None and look_up.none.holds(view):
            return Finding(Found.NOT_THERE, "looked up: none")
        if outcome.kind is OutcomeKind.ACCEPTED:
            return _among(look_up, request, look_up.candidates.search(view))
    reason = " ".join(part for part in ("look-up failed:", outcome.kind.value, outcome.cause, outcome.code) if part)
    return Finding(Found.FAILED, reason, own=outcome.kind not in _NOT_ITS_OWN)


def _among(look_up: LookUp, request: View, found: object) -> Finding:
    if not isinstance(found, list):
        return Finding(Found.FAILED, "look-up failed: the answer has no list of candidates", own=True)
    candidates = [{"candidate": candidate, "request": request} for candidate in found]
    same = [candidate for candidate in candidates if look_up.same.holds(candidate)]
    if len(same) > 1:
        return Finding(Found.AMBIGUOUS, f"looked up: fits {len(same)} times")
    if same:
        return _there(look_up, same[0])
    if look_up.other is not None and any(map(look_up.other.holds, candidates)):
        return Finding(Found.OTHER_CONTENT, "looked up: other content")
    return Finding(Found.NOT_THERE, "looked up: not there")


def _there(look_up: LookUp, candidate: View) -> Finding:
    if look_up.id is None:
        return Finding(Found.THERE, "looked up: there")
    real_id = id_text(look_up.id.search(candidate))
    if real_id is None:
        return Finding(Found.AMBIGUOUS, "looked up: there, without its id")
    return Finding(Found.THERE, "looked up: there", real_id)
