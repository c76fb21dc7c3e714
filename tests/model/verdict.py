"""The judge of a day: the server's own ledger and the journal, by the guarantees of G1 to G6."""

from __future__ import annotations

import json
from collections import Counter

from ulid import ULID

from store.records import OPEN_STATES, Record, RecordState
from tests.model.day import STRANGER, Day
from tests.traffic.centre import doses_applied

OVER = frozenset({RecordState.DELIVERED, RecordState.REFUSED, RecordState.HELD})


async def judge(day: Day) -> None:
    records = await day.centre.records()
    real = real_ids(day)
    kept(day, records, real)
    once(day)
    in_order(day, records, real)
    true(day, real)
    blocked_by_its_own_only(records)


def real_ids(day: Day) -> dict[str, str]:
    """Return the server's id for each id that a desk was given: of a walk-in there is one, found by its name."""
    by_name: dict[str, list[str]] = {}
    for person in day.sim.register.people.values():
        by_name.setdefault(person.name, []).append(person.id)
    assert all(len(by_name.get(name, [])) == 1 for name in day.ids), "whom a desk was told registered is, and once"
    return {id_: by_name[name][0] for name, id_ in day.ids.items()}


def kept(day: Day, records: list[Record], real: dict[str, str]) -> None:
    """G1: whatever a desk was told is kept has taken effect, but for the stranger, whose records are held, and say why."""
    by_id = {str(ULID(record.id)): record for record in records}
    applied = doses_applied(day.sim)
    for fact in day.told:
        record = by_id[fact.record]
        if fact.of_stranger:
            assert record.state in OVER or not fact.by_server
            assert record.state is not RecordState.HELD or record.reason
            continue
        assert record.state is RecordState.DELIVERED, (record.number, record.state, record.reason)
        assert record.route != "vaccinate" or _dose(record, real) in applied


def once(day: Day) -> None:
    """G2: no fact took effect twice."""
    effects = Counter((entry.effect.kind, entry.effect.key) for entry in day.sim.ledger.applied)
    assert [effect for effect, times in effects.items() if times > 1] == []


def in_order(day: Day, records: list[Record], real: dict[str, str]) -> None:
    """G3: of each person the doses took effect in the order in which they were recorded."""
    recorded = [_dose(record, real) for record in records if record.route == "vaccinate" and record.state is RecordState.DELIVERED]
    applied = doses_applied(day.sim)
    assert sorted(recorded) == sorted(applied), "what is delivered is what took effect"
    for person in {person for person, _ in applied}:
        assert [dose for one, dose in applied if one == person] == [dose for one, dose in recorded if one == person]


def true(day: Day, real: dict[str, str]) -> None:
    """G4: the bytes are the desk's, with the real id in the declared slot, and no id of ours went up in any place."""
    allowed = set(day.asked)
    provisional = {given: id_ for given, id_ in real.items() if given != id_}
    for given, id_ in provisional.items():
        allowed |= {body.replace(given.encode(), id_.encode()) for body in day.asked}
    for entry in day.sim.ledger.received:
        assert entry.method != "POST" or entry.body is None or entry.body in allowed
        raw = b"\n".join((entry.target, *(name + b":" + value for name, value in entry.fields), entry.body or b""))
        assert not [given for given in provisional if given.encode() in raw]


def blocked_by_its_own_only(records: list[Record]) -> None:
    """G5 and G6: nothing waits but behind the stranger's held record, and nothing stays under way."""
    waiting = [record for record in records if record.state in OPEN_STATES]
    assert all(record.state in (RecordState.HELD, RecordState.PENDING) for record in waiting)
    assert all(STRANGER.encode() in record.body for record in waiting)


def _dose(record: Record, real: dict[str, str]) -> tuple[str, int | None]:
    body = json.loads(record.body)
    person = body["beneficiary_reference_id"]
    return real.get(person, person), body["dose"]
