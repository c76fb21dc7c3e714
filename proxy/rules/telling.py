"""What staff are told: how the centre stands, what to do now, and where one record stands. Pure; the texts are the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from proxy.texts import Text, marked
from store.records import RecordState


class Standing(StrEnum):
    """How the national server stands, as the desks see it."""

    UP = "up"
    SLOW = "slow"
    """It answers late or not every time, or has asked for a pause."""
    HELD = "held"
    """An operator has paused sending, for a planned maintenance."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """
    How the centre stands: what the desks' software may know, and never a person.

    `since` is when it came to stand so (RFC 3339), None where that is not known; `can_record` whether the sidecar's disk takes records,
    `pending` how many are kept and not confirmed, `held` how many wait for a person's decision, `needs_log_in` how many for somebody's
    log-in; `logged_out` is whether the sidecar itself has no credential; `more` is what is told beside these.
    """

    standing: Standing
    since: str | None
    can_record: bool
    pending: int
    held: int
    needs_log_in: int = 0
    logged_out: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


_AS_USUAL: Final = marked(
    "Vaccinate and enter as usual; nothing has to be entered a second time. Where the desk says that it was not recorded, use paper."
)

_TELL: Final[Mapping[Standing, tuple[str, str]]] = {
    Standing.UP: (marked("The national server answers."), marked("Vaccinate and enter as usual.")),
    Standing.SLOW: (marked("The national server answers late, or not every time. Doses are recorded all the same."), _AS_USUAL),
    Standing.HELD: (
        marked("Sending to the national server is paused for a planned maintenance. Doses are recorded here and go up afterwards."),
        _AS_USUAL,
    ),
    Standing.DOWN: (
        marked("The national server does not answer. Doses are recorded here and go up by themselves when it is back."),
        marked(
            "Vaccinate and enter as usual; nothing has to be entered a second time. Where the desk says that it was not recorded, "
            "use paper. Certificates come when the server is back."
        ),
    ),
}
"""Standing → what is so, and what to do now. While the server cannot vouch for who nobody here knows, theirs is not recorded."""

_UNRECORDED: Final[Mapping[bool, tuple[str, str]]] = {
    True: (
        marked("This computer cannot keep doses now."),
        marked(
            "Go on while the desk shows the national server's own answer; where it says that nothing was recorded, use paper. "
            "Tell the ICT officer now."
        ),
    ),
    False: (
        marked("Doses cannot be recorded now: the national server does not answer, and this computer cannot keep them."),
        marked("Write each dose into the paper register. Tell the ICT officer now."),
    ),
}
"""Whether the server answers → what is so, and what to do now, where nothing can be kept."""

_LOG_IN: Final[Mapping[bool, str]] = {
    True: marked("Waiting for a log-in: {count}. Whoever entered them logs in at any desk when the server is back."),
    False: marked("Waiting for a log-in: {count}. Whoever entered them logs in at any desk."),
}
"""Whether the server is down → what is said of records that wait for a log-in: it is the server that takes one."""

_OF_A_RECORD: Final[Mapping[RecordState, str]] = {
    **dict.fromkeys(
        (RecordState.PENDING, RecordState.SENDING, RecordState.UNKNOWN),
        marked("Recorded at this centre as number {number}. It goes to the national server by itself."),
    ),
    RecordState.DELIVERED: marked("The national server has number {number}."),
    RecordState.HELD: marked("Number {number} is kept and waits for a decision. Tell the ICT officer its number."),
    RecordState.REFUSED: marked("Number {number} is not recorded: the national server refused it, and the desk was told so."),
    RecordState.DISCARDED: marked("Number {number} is not recorded: it was given up, and who did so and why is on record."),
}


def told(status: PublicStatus, language: str) -> dict[str, Any]:
    """Return *status* as a JSON-able value, with what to tell staff, and what they do now, in *language*."""
    tell, then = _TELL[status.standing] if status.can_record else _UNRECORDED[status.standing is not Standing.DOWN]
    tells, thens = [Text(tell)], [Text(then)]
    if status.pending:
        tells.append(Text("Still to be sent: {count}.", {"count": status.pending}))
    if status.needs_log_in:
        thens.append(Text(_LOG_IN[status.standing is Standing.DOWN], {"count": status.needs_log_in}))
    if status.logged_out:
        thens.append(Text("The sidecar cannot log in to the national server. Tell the ICT officer."))
    if status.held:
        thens.append(Text("Waiting for a decision: {count}. Tell the ICT officer.", {"count": status.held}))
    return {
        "state": status.standing.value,
        "since": status.since,
        "tell": " ".join(text.said(language) for text in tells),
        "next_step": " ".join(text.said(language) for text in thens),
        "language": language,
        "can_record": status.can_record,
        "pending": status.pending,
        "held": status.held,
        "needs_log_in": status.needs_log_in,
        **status.more,
    }


def standing(state: RecordState, number: int) -> Text:
    """Return where the record of the centre's running *number* stands."""
    return Text(_OF_A_RECORD[state], {"number": number})
