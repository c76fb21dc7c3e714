"""Why a person's decision is not taken, and what to do instead."""

from __future__ import annotations

from typing import assert_never

from store.decisions import NotDecided, Obstacle
from store.records import RecordState


def in_words(refusal: NotDecided) -> str:
    """Return the obstacle for the person who decided, with the next command."""
    number, other = refusal.number, refusal.other
    match refusal.obstacle:
        case Obstacle.MOVED_ON:
            return f"it has changed meanwhile. Look at it again: dosekeeper records show {number}"
        case Obstacle.NOT_FROM_THIS_STATE:
            return _of_state(number, refusal.state)
        case Obstacle.MAYBE_APPLIED:
            return (
                f"a send may have got through. Have the server asked: dosekeeper records retry {number}; "
                "or look there yourself, and if it is not there, add --i-have-looked"
            )
        case Obstacle.FACT_IS_KNOWN:
            return (
                f"record {other} is the same fact. Give one of them up: dosekeeper records discard {number} --reason TEXT; "
                "or, if both are true, add --i-have-looked"
            )
        case Obstacle.NOT_WHOLE:
            return (
                "a part of it was lost on disk, so that it cannot be sent. Ask the desk what it was, enter it on the server by hand, then: "
                f"dosekeeper records settle {number} --as delivered --reference ID; or discard it"
            )
        case Obstacle.CHILDREN_WAIT:
            return (
                f"record {other} of the person that it registers waits behind it. Give that person's real id: "
                f"dosekeeper records settle {number} --as delivered --reference ID; or discard record {other} first"
            )
        case _:
            assert_never(refusal.obstacle)


def _of_state(number: int, state: RecordState | None) -> str:
    if state in (RecordState.SENDING, RecordState.UNKNOWN):
        return f"it is {state}: the server is being asked. Wait for what comes of it: dosekeeper records show {number}"
    return f"it is {state}: this is for records that wait. See: dosekeeper records show {number}"
