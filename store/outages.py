"""What an outage is: one row of the outage ledger, and what goes with it. Pure types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["down", "slow", "planned"]
"""An outage; a brown-out: it answers, but late; maintenance that an operator held records for."""

ALL_GROUPS: Final = "*"
"""The group of a hold: it is for all of them."""


@dataclass(frozen=True, slots=True)
class Outage:
    """
    One outage of one group of routes; times are wall-clock milliseconds UTC.

    `started_at` is the first failure of the run (back-dated), `ended_at` the first good answer of the run that held, None while it
    lasts; `last_bad_at` is the last failure seen; `flaps` counts the times it came back within two minutes of its end;
    `unobserved_ms` is the part of it during which no sidecar was running; `seen_at` is when the row was last known to be true, and
    `seen_wall_at`, `seen_boot`, `seen_boot_s` are that moment by the wall clock as it stood then and by the boot's own. All other times
    are by the wall clock as it stood at the beginning. `clock_doubtful` says that it was set meanwhile, or known to be wrong.

    `first_number` is the first record that can have been made in it, `last_number` the last when its end was found, None while it lasts.

    It began after `good_before_at`, the last good answer before it, and by `first_bad_at`, when its first failure was known; it ended after
    `last_asked_at`, when the last question was asked that failed, and by `ended_at`. None: not known. `first_error` and `last_error` are
    the server's words, without anything that could be personal. `longest_wait_ms` is how long a desk waited for an answer at most.
    `calls` and `slow_calls` are of a brown-out: how many there were, and how many of them were answered late.
    """

    id: int
    group: str
    started_at: int
    detected_at: int
    last_bad_at: int
    ended_at: int | None
    cause: str
    scope: str
    flaps: int = 0
    unobserved_ms: int = 0
    recorded: int = 0
    drained_at: int | None = None
    seen_at: int = 0
    seen_wall_at: int = 0
    seen_boot: str = ""
    seen_boot_s: float = 0.0
    first_number: int = 0
    last_number: int | None = None
    clock_doubtful: bool = False
    kind: Kind = "down"
    good_before_at: int | None = None
    first_bad_at: int | None = None
    last_asked_at: int | None = None
    first_error: str = ""
    last_error: str = ""
    longest_wait_ms: int = 0
    calls: int = 0
    slow_calls: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """What the start of an outage rests on: its `good_before_at` and `first_bad_at`, and the first failure's words."""

    good_before_at: int | None = None
    first_bad_at: int | None = None
    error: str = ""


UNKNOWN_START: Final = Start()


@dataclass(frozen=True, slots=True)
class Failed:
    """The latest failure of an outage: when it came, when it was asked (None: not known), and its words."""

    at: int
    asked_at: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Slowness:
    """A brown-out so far: its first and last slow answer, how many calls there were up to that, how many were slow, in which words."""

    started_at: int
    last_slow_at: int
    calls: int
    slow_calls: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a person knows better of an outage; `cause` and `scope` are None where the ledger's own stand."""

    outage: int
    at: int
    by: str
    reason: str
    cause: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """
    A time in which a sidecar was running and looked; milliseconds UTC by the wall clock as it stood when it began.

    `began_by` says what was before it: nobody looked (`start`; `resume` after a suspend), or somebody set the clock (`clock`).
    """

    id: int
    began_at: int
    seen_at: int
    began_by: str


@dataclass(frozen=True, slots=True)
class Seen:
    """When a row is known to be true: `at` in its own time, the wall clock's milliseconds UTC, and seconds since the boot of that name."""

    at: int
    wall: int
    boot_id: str
    boot_s: float
    doubtful: bool = False
