from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from store.queries import Db
from store.record_ledger import begin_send, move, record, settle
from store.record_search import heads
from store.records import OPEN_STATES, TRANSITIONS, NewRecord, RecordState, Settlement
from tests.store.helpers import kept, new_journal

S = RecordState
LANES = [bytes([letter]) * 16 for letter in b"abc"]

lanes = st.lists(st.sampled_from(LANES), max_size=3).map(tuple)  # twice the same lane included
steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), lanes, st.booleans()),
        st.tuples(st.just("begin"), st.integers(1, 12)),
        st.tuples(st.just("settle"), st.integers(1, 12), st.sampled_from(sorted(TRANSITIONS[S.SENDING]))),
        st.tuples(st.just("late"), st.integers(1, 12)),
        st.tuples(st.just("move"), st.integers(1, 12), st.sampled_from(S)),
    ),
    max_size=40,
)


@dataclass
class Oracle:
    """What the journal has to say about lanes, worked out from scratch each time."""

    states: dict[int, RecordState] = field(default_factory=dict)
    lanes: dict[int, tuple[bytes, ...]] = field(default_factory=dict)

    def is_head(self, number: int) -> bool:
        return not any(
            older < number and self.states[older] in OPEN_STATES and set(self.lanes[older]) & set(self.lanes[number])
            for older in self.states
        )

    def heads(self) -> list[int]:
        return [number for number, state in sorted(self.states.items()) if state in (S.PENDING, S.UNKNOWN) and self.is_head(number)]


def keep(db: Db, oracle: Oracle, own: tuple[bytes, ...], *, send: bool) -> None:
    id_ = (len(oracle.states) + 1).to_bytes(16)
    recorded = kept(record(db, NewRecord(id_, "r", "g", own, "POST", "/", b"", b"", 1), send=send))
    oracle.lanes[recorded.number] = own
    oracle.states[recorded.number] = S.PENDING
    expected = S.SENDING if send and oracle.is_head(recorded.number) else S.PENDING
    assert recorded.state is expected
    oracle.states[recorded.number] = recorded.state


def begin(db: Db, oracle: Oracle, number: int) -> None:
    may = number in oracle.heads() and oracle.states[number] is S.PENDING
    assert (begin_send(db, number, 1) is not None) is may
    if may:
        oracle.states[number] = S.SENDING


def settled(db: Db, oracle: Oracle, number: int, to: RecordState) -> None:
    attempts = {no: attempt for no, attempt in db.execute("SELECT number, attempt FROM record")}  # noqa: C416 - a cursor is no mapping
    under_way = oracle.states.get(number) is S.SENDING
    late = to is S.DELIVERED and oracle.states.get(number) in OPEN_STATES
    assert settle(db, number, attempts.get(number, 0), Settlement(to, "x", maybe_applied=True), 2) is (under_way or late)
    if under_way or late:
        oracle.states[number] = to


def moved(db: Db, oracle: Oracle, number: int, to: RecordState) -> None:
    source = oracle.states.get(number)
    if source is None or to not in TRANSITIONS[source] or to is S.SENDING:
        return
    if to is S.UNKNOWN and db.execute("SELECT attempt FROM record WHERE number = ?", (number,)).fetchone() == (0,):
        return  # never sent: nothing to be unknown about
    assert move(db, number, source, Settlement(to, None), 2)
    oracle.states[number] = to


@settings(max_examples=60, deadline=None)
@given(steps)
def test_heads_are_exactly_the_first_open_of_each_lane(moves: list[tuple[object, ...]]) -> None:
    oracle = Oracle()
    with new_journal() as db:
        for step in moves:
            match step:
                case ("record", tuple() as own, bool() as send):
                    keep(db, oracle, own, send=send)
                case ("begin", int() as number):
                    begin(db, oracle, number)
                case ("settle", int() as number, RecordState() as to):
                    settled(db, oracle, number, to)
                case ("late", int() as number):
                    settled(db, oracle, number, S.DELIVERED)
                case ("move", int() as number, RecordState() as to):
                    moved(db, oracle, number, to)
                case _:
                    raise AssertionError(step)
            assert [head.number for head in heads(db, ["g"], 1, 100)] == oracle.heads()
            tally = dict(db.execute("SELECT state, records FROM record_tally WHERE records > 0"))
            assert tally == {state: list(oracle.states.values()).count(state) for state in set(oracle.states.values())}
