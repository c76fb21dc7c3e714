from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.operations.waiting import MOVES, Facts, Why, moving, why
from store.records import Record, RecordState

NOON = 1_627_628_400_000
DESK = b"desk" * 4

RECORD = Record(
    number=7,
    id=b"\0" * 16,
    state=RecordState.PENDING,
    route="vaccinate",
    group="vaccinator",
    recorded_at=NOON,
    settled_at=None,
    due_at=0,
    attempt=0,
    failures=0,
    maybe_applied=False,
    reason=None,
    principal=None,
    method="POST",
    target="/",
    headers=b"",
    body=b"",
)
UP = Facts(held=False, down=frozenset(), starting=frozenset(), principals=frozenset(), heads=frozenset({7}), now=NOON)
GROUP = frozenset({"vaccinator"})


@pytest.mark.parametrize(
    ("record", "facts", "reason"),
    [
        (RECORD, UP, Why.READY),
        (replace(RECORD, state=RecordState.SENDING), UP, Why.SENDING),
        (replace(RECORD, state=RecordState.UNKNOWN), UP, Why.UNDECIDED),
        (RECORD, replace(UP, heads=frozenset({3})), Why.BEHIND),
        (replace(RECORD, principal=DESK), UP, Why.LOG_IN),
        (replace(RECORD, principal=DESK), replace(UP, principals=frozenset({DESK})), Why.READY),
        (RECORD, replace(UP, held=True, down=GROUP), Why.HOLD),
        (RECORD, replace(UP, lacking=True, down=GROUP), Why.CREDENTIAL),
        (RECORD, replace(UP, down=GROUP), Why.SERVER_DOWN),
        (RECORD, replace(UP, down=frozenset({"appointment"})), Why.READY),
        (RECORD, replace(UP, starting=GROUP), Why.STARTING),
        (replace(RECORD, due_at=NOON + 1), UP, Why.BACKING_OFF),
        (replace(RECORD, due_at=NOON), UP, Why.READY),
        (replace(RECORD, due_at=NOON + 1), replace(UP, failing=frozenset({7})), Why.LOOK_UP_FAILS),
        (replace(RECORD, state=RecordState.UNKNOWN), replace(UP, failing=frozenset({7})), Why.LOOK_UP_FAILS),
        (RECORD, replace(UP, failing=frozenset({7}), down=GROUP), Why.SERVER_DOWN),
    ],
)
def test_what_a_record_waits_for(record: Record, facts: Facts, reason: Why) -> None:
    assert why(record, facts) is reason


@pytest.mark.parametrize("reason", list(Why))
def test_a_replay_goes_on_while_something_moves(reason: Why) -> None:
    assert moving([Why.BEHIND, reason]) is (reason in MOVES)
    assert not moving([])
