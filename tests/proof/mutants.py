"""
The product, broken on purpose: each mutant is a mistake that one of the field's systems made, and the tests that must catch it.

A mutant whose text is not found exactly once no longer applies: mend it here. Where a mutant survives, a test is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

CUTS: Final = "tests/proof/test_every_cut.py::test_whenever_the_power_is_cut_nothing_told_is_lost_and_nothing_is_damaged"
CRASH: Final = "tests/store/test_crash.py::test_what_was_acknowledged_survives_kill_9"
EACH_FAULT: Final = "tests/traffic/test_each_fault.py"
MISTAKES: Final = "tests/traffic/test_mistakes_of_others.py"


@dataclass(frozen=True, slots=True)
class Change:
    """In the file *path*, *old* becomes *new*."""

    path: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        file = root / self.path
        text = file.read_text()
        assert text.count(self.old) == 1, f"{self.path} no longer has this once: {self.old}"
        file.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is wrong with it, how it is made, and who must notice."""

    name: str
    changes: tuple[Change, ...]
    caught_by: tuple[str, ...]


MUTANTS: Final = (
    Mutant(
        "acknowledged before the commit",
        (
            Change("store/file/batch.py", "        values = _run(db, verbs)\n        _commit(db)\n", "        values = _run(db, verbs)\n"),
            Change(
                "store/file/batch.py",
                "    _roll_back(db)  # what is still open when",
                '    db.in_transaction and db.execute("COMMIT")  # what is still open when',
            ),
        ),
        (CRASH,),
    ),
    Mutant("synchronous=NORMAL", (Change("store/file/connection.py", '"synchronous = FULL"', '"synchronous = NORMAL"'),), (CUTS,)),
    Mutant(
        "the key that makes a second send harmless is not sent on",
        (
            Change(
                "proxy/traffic/sender.py",
                "        return with_missing(fields, declared_fields(",
                "        return fields or with_missing(fields, declared_fields(",
            ),
        ),
        ("tests/traffic/test_fhir.py::test_our_identifier_is_asked_for_when_the_client_asks_for_none",),
    ),
    Mutant(
        "a younger record does not wait for an older one",
        (Change("store/lanes.py", "    return sum(value(db, ", "    return 0 * sum(value(db, "),),
        ("tests/traffic/test_outage.py::test_while_it_is_down_doses_are_kept_and_afterwards_each_takes_effect_once_in_order",),
    ),
    Mutant(
        "of one commit the younger does not wait for the older",
        (Change("store/keeping.py", "        taken.update(hashes)\n", ""),),
        ("tests/store/test_keeping.py::test_of_one_person_in_a_commit_the_second_waits_for_the_first",),
    ),
    Mutant(
        "sent again without asking",
        (Change("proxy/traffic/look_ups.py", "harmless = await self._may_be_repeated(record)", "harmless = True"),),
        (
            f"{EACH_FAULT}::test_what_may_have_got_through_is_looked_up_before_it_is_sent_again",
            f"{MISTAKES}::test_opencrvs_a_duplicate_after_a_timeout",
        ),
    ),
    Mutant(
        "all of a person is marked done with one",
        (
            Change(
                "store/record_ledger.py",
                "    changed = _change(db, number, RecordState.SENDING, settlement,",
                "    for other in lanes.open_in(db, lanes.of(db, number)) if late else ():\n"
                "        _change(db, other, RecordState.PENDING, settlement, now, attempt=None, late=False)\n"
                "    changed = _change(db, number, RecordState.SENDING, settlement,",
            ),
        ),
        (f"{MISTAKES}::test_simple_android_what_is_added_during_a_push_is_marked_done_with_it",),
    ),
    Mutant(
        "a provisional id goes up as it is",
        (Change("proxy/traffic/persons.py", "record.target, record.body, known.real_ids)", "record.target, record.body, {})"),),
        ("tests/traffic/test_walk_ins.py::test_registered_and_dosed_while_down_the_dose_goes_to_the_real_person",),
    ),
    Mutant(
        "aiohttp may send a second time by itself",
        (Change("proxy/traffic/upstream.py", "        if self._gone:\n", "        if False:\n"),),
        ("tests/traffic/test_bytes.py::test_a_dead_kept_connection_never_makes_two_sends_of_one_attempt",),
    ),
    Mutant(
        "the outage uses up the attempts",
        (
            Change(
                "proxy/rules/settlement.py",
                "not for a back-off of its own.\n            return _to(RecordState.PENDING, outcome, sent)",
                "not for a back-off of its own.\n            return _to(RecordState.PENDING, outcome, sent, failed=True)",
            ),
        ),
        (f"{MISTAKES}::test_teleport_the_outage_itself_uses_up_the_retries",),
    ),
    Mutant(
        "what was not sent expires",
        (
            Change(
                "store/sql/queries.sql",
                "WHERE state = 'delivered' AND purged_at IS NULL AND settled_at < :before",
                "WHERE purged_at IS NULL AND COALESCE(settled_at, recorded_at) < :before",
            ),
        ),
        (
            f"{MISTAKES}::test_opentelemetry_and_workbox_unsent_data_expires",
            "tests/store/test_afterwards.py::test_a_purge_forgets_what_was_said_and_nothing_else",
        ),
    ),
    Mutant(
        "the credential is journalled",
        (
            Change(
                "proxy/rules/fields.py", "    rest = tuple((n, v) for n, v in fields if n.lower() not in names)\n", "    rest = fields\n"
            ),
        ),
        (f"{MISTAKES}::test_flipper_a_credential_frozen_in_the_queue_goes_up_with_it",),
    ),
)
