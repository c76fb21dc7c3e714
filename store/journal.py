"""
The journal: what is remembered, and what may be done with it.

Each verb is one transaction, or shares one with its neighbours; it returns when it is on disk. `now` and all times are wall-clock
milliseconds UTC. Verbs raise `JournalUnwritable` or `JournalInDoubt`, queries `JournalUnreadable` (store.errors).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from store import (
    afterwards,
    audit,
    copies,
    decision_ledger,
    identity_ledger,
    operator_hold,
    outage_ledger,
    principal_ledger,
    record_ledger,
    record_search,
    remembered,
    slow_times,
    topics,
    watches,
)
from store.audit import AuditEntry
from store.copies import Restored
from store.decisions import Act, Decision, Edited, HeldGroup, Revision
from store.errors import JournalDamaged, JournalError, JournalUnwritable
from store.file import home
from store.file.backup import About, Backup, back_up
from store.file.batch import Joint
from store.file.engine import CommitObserver, size_bytes
from store.file.keyfile import journal_key
from store.file.lock import Lock, Role
from store.file.originals import Original, delete_older, originals
from store.file.restore import end_restore
from store.file.standing import Standing
from store.identities import Identity, Learnt, Rekey
from store.keeping import Wish, keep_all
from store.known_topics import KnownTopics
from store.mending import Mending
from store.operator_hold import OperatorHold
from store.outage_ledger import OutageFilter, RouteRecords
from store.outages import UNKNOWN_START, Failed, Note, Outage, Seen, Slowness, Start, Watch
from store.principal_ledger import Accepted, Waiting
from store.queries import Db, run, value
from store.record_search import RecordFilter
from store.records import (
    Admission,
    Conflict,
    KeyReused,
    NewRecord,
    Outrun,
    Record,
    Recorded,
    RecordState,
    Same,
    Settlement,
    StoredAnswer,
)
from store.remembered import Kept, Remembered, Total
from store.rescue import Rescue, rescues
from store.snapshot import Snapshot, snapshot
from store.traces import damaged_wait

log = logging.getLogger(__name__)

_LANE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Installation:
    """What a journal is given at its first start and keeps: who it is, and the key of its hashes."""

    installation_id: bytes
    hash_key: bytes


@dataclass(frozen=True, slots=True)
class JournalFile:
    """The file itself, and what opens it."""

    path: Path
    key: bytes = field(repr=False)


async def open_journal(
    path: Path, key_file: Path, environ: Mapping[str, str], role: Role, on_commit: CommitObserver | None = None, *, reserve: int = 0
) -> Journal:
    """
    Take the lock, get the key (make it at the first start), open the file and bring it up to date: in this order.

    *reserve* is `store.reserve`, in bytes, for who looks after the disk (`look_at_disk`).

    Raises:
        JournalError: one of store.errors; the lock is free again and nothing was changed.
    """
    lock = await Lock.take_over(path, role)
    try:
        return await Journal.open(path, journal_key(path, key_file, environ), lock=lock, on_commit=on_commit, reserve=reserve)
    except BaseException:
        lock.release()
        raise


class Journal:
    """An open journal. Close it, or the process does not end: its connections have threads."""

    def __init__(self, file: JournalFile, engine: Mending, installation: Installation, lock: Lock | None) -> None:
        self._file = file
        self._engine = engine
        self._installation = installation
        self._lock = lock
        self._restored: Restored | None = None
        self._topics = KnownTopics()
        self._reading_topics: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, path: Path, key: bytes, *, lock: Lock | None = None, on_commit: CommitObserver | None = None, reserve: int = 0
    ) -> Journal:
        """
        Open the file with a key and a lock that the caller has; `close` releases the lock. What is damaged is rescued first.

        Raises as `open_journal`.
        """
        await asyncio.to_thread(_tell_of_restore, path)
        engine = await Mending.open(path, key, on_commit, reserve=reserve)
        try:
            installation = await _installed(engine)
        except BaseException:
            await engine.close()
            raise
        await engine.keep_pages(_root_of_meta)
        return cls(JournalFile(path, key), engine, installation, lock)

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, close it, and let others have it."""
        if self._reading_topics is not None:
            self._reading_topics.cancel()
            await asyncio.gather(self._reading_topics, return_exceptions=True)
        try:
            await self._engine.close()
        finally:
            if self._lock:
                self._lock.release()

    def wanted(self) -> bool:
        """Tell whether a starting service asks for the journal; a command then closes it as soon as it can."""
        return self._lock is not None and self._lock.wanted()

    # Copies

    async def settle_in(self, now: int, *, copy: bool = False) -> Restored | None:
        """
        Find out, at a start, whether this is the journal that lived here; return since when it is a copy, or None.

        A copy that is noticed now, or that the caller knows for one, is marked: what is unsent is to be looked up, and numbers go on with
        a gap.
        """
        found = await asyncio.to_thread(home.read_home, self._file.path)
        at_home = await self._engine.read(copies.is_at_home, found)
        if copy or at_home is False:
            await self._engine.write(copies.mark_restored, now)
        await self._live_here(found if at_home and not copy else None)
        self._restored = await self._engine.read(copies.restored)
        return self._restored

    async def stay(self) -> None:
        """Agree on a new token with the file beside the journal: an old copy that is put back later is then known by the old one."""
        await self._live_here(await asyncio.to_thread(home.read_home, self._file.path))

    async def _live_here(self, found: home.Home | None) -> None:
        path, token = self._file.path, home.new_token()
        # A full disk keeps no service from starting: what the two agreed on last goes on to count.
        with suppress(JournalUnwritable, OSError):
            if found is None:
                found = await asyncio.to_thread(home.make_home, path, token)
            await self._engine.write(copies.live_at, found, token)
            await asyncio.to_thread(home.renew_home, path, token)

    @property
    def restored(self) -> Restored | None:
        """Since when this journal is a copy, as `settle_in` found it; None for an original."""
        return self._restored

    async def mark_taken_over(self) -> None:
        """Note that of a copy's unsent records those that cannot be looked up have been held."""
        self._restored = await self._engine.write(copies.mark_taken_over)

    async def back_up(self, target: Path, now: int) -> Backup[dict[RecordState, int]]:
        """
        Copy the journal to *target* while everybody goes on, and verify the copy.

        Raises:
            BackupFailed: there is none; nothing is left of it.
            JournalDamaged: the journal is being put right; its files are about to be others.
        """
        given_up = threading.Event()
        about = About(record_search.counts, lambda copy: copies.mark_copied(copy, now))
        self._engine.require_whole()
        try:
            return await asyncio.to_thread(back_up, self._file.path, self._file.key, target, about, given_up.is_set)
        finally:
            given_up.set()  # where the caller is cancelled, the thread stops too

    @property
    def installation_id(self) -> bytes:
        """16 random bytes made at the first start."""
        return self._installation.installation_id

    def lane_hash(self, text: str) -> bytes:
        """Return the 16-byte keyed hash under which *text* is known here; of no use to whoever lacks this journal."""
        return hashlib.blake2b(text.encode(), digest_size=_LANE_BYTES, key=self._installation.hash_key).digest()

    # Records

    async def record(
        self,
        new: NewRecord,
        *,
        send: bool,
        issue: Callable[[int], str] | None = None,
        may_wait: bool = True,
        within_s: float | None = None,
    ) -> Admission:
        """
        Keep a write, unless it is known. With *send* it is `sending` at once, unless something older waits in one of its lanes.

        A desk that has to be told after *within_s* seconds gives it up. If it reaches the disk all the same it is `held`.

        Args:
            new: The write; what it leaves out (natural key, idempotency key, ids awaited) is not asked about.
            send: Whether the caller is ready to send it.
            issue: Given for a registration: makes a provisional id from a number that was never used before. Pure.
            may_wait: Whether to keep it too where it waits behind something older.
            within_s: None: it is tried until the disk takes it.

        Raises:
            JournalUnwritable: nothing of it is on disk, nor will be.
            JournalInDoubt: it is given up, and may be on disk; that its desk was told so is on paper, for the next start.
        """
        self._topics.add(new.topics)  # before it is there: more than what is there is no harm
        verb: Joint[Wish, Admission] = Joint(keep_all, Wish(new, send, may_wait, issue, self.lane_hash))
        admission = await self._engine.keep(verb, new.id, partial(record_ledger.hold_told_paper, ids=[new.id]), within_s)
        self._findable(admission.issues if isinstance(admission, Recorded) else None)
        return admission

    async def known(self, new: NewRecord) -> Same | Conflict | KeyReused | Outrun | None:
        """Return what is known of a write already; None where it would be kept. For when nothing can be."""
        return await self._engine.read(record_ledger.known, new)

    async def begin_send(self, number: int, now: int, *, seen: Record | None = None) -> Record | None:
        """
        Claim a pending record that heads all its lanes; durable before the first byte goes out. None where it is not that.

        *seen*: as it was when it was found that it may be sent without a look-up; where it is not that any more, None.
        """
        return await self._engine.write(record_ledger.begin_send, number, now, seen)

    async def settle(
        self,
        number: int,
        attempt: int,
        settlement: Settlement,
        now: int,
        *,
        answer: StoredAnswer | None = None,
        learnt: Learnt | None = None,
        revision: int | None = None,
    ) -> bool:
        """
        Write what one attempt came to; False where the record has moved on. A late delivery is taken in any open state.

        *revision* is what was sent: where a person has edited the record since, a delivery makes it held.
        What is learnt with it stands in any case.
        """
        self._findable(None if learnt is None else learnt.real)

        def change(db: Db) -> bool:
            return record_ledger.settle(db, number, attempt, settlement, now, answer, revision)

        return await self._engine.write(record_ledger.learning, learnt, self.lane_hash, change, now)

    async def move(
        self,
        number: int,
        from_state: RecordState,
        to: Settlement,
        now: int,
        *,
        learnt: Learnt | None = None,
        seen: Record | None = None,
    ) -> bool:
        """
        Move a record by a decision without a send; False where it no longer stands in *from_state*. As `settle` with *learnt*.

        *seen*: as it was when it was asked about; where it is not that any more, nothing is changed, nor learnt.
        """
        self._findable(None if learnt is None else learnt.real)

        def change(db: Db) -> bool:
            return record_ledger.move(db, number, from_state, to, now)

        return await self._engine.write(record_ledger.learning, learnt, self.lane_hash, change, now, seen)

    async def postpone(self, number: int, state: RecordState, due_at: int) -> bool:
        """Look at a record again at *due_at*; False where it no longer stands in *state*."""
        return await self._engine.write(record_ledger.postpone, number, state, due_at)

    async def recover(self, now: int) -> int:
        """At start: make every send that a stop cut off `unknown`; return how many there were."""
        return await self._engine.write(record_ledger.recover, now)

    def told_paper(self) -> frozenset[bytes]:
        """Return the ids of the records whose desks an earlier process told to use paper, although they might be on disk."""
        return self._engine.told_paper

    def on_paper(self) -> frozenset[bytes]:
        """Return the ids of all records whose desks were told to use paper, and that may be on disk: none of them is to be sent."""
        return self._engine.on_paper

    async def hold_told_paper(self, ids: Collection[bytes]) -> int:
        """At start, before anything is sent: hold those of *ids* that are on disk, and forget them; return how many there were."""
        held = await self._engine.write(record_ledger.hold_told_paper, ids)
        await self._engine.forget_paper(ids)
        return held

    async def heads(
        self,
        groups: Collection[str],
        now: int,
        limit: int,
        principals: Collection[bytes] = (),
        unknown_far_ms: int = record_search.FAR_MS,
        *,
        free: bool = True,
    ) -> list[Record]:
        """
        Return up to *limit* due heads of lanes, `pending` and `unknown`: those that need no client's credential, or one of *principals*.

        Order: deadlines ahead, the earliest first; then the overdue; then those without a deadline, oldest first. A due time further
        ahead than its wait can be (of an `unknown`: *unknown_far_ms*, else 15 min) comes from a clock that jumped, and is due.

        *free*: without those that wait for the end of a younger record's send, as is possible where two lanes turned out to be one
        person's.
        """
        query = record_search.free_heads if free else record_search.heads
        return await self._engine.read(query, groups, now, limit, principals, unknown_far_ms)

    async def any_open(self, lanes: Sequence[bytes]) -> bool:
        """Return whether something open waits in one of *lanes*."""
        return await self._engine.read(record_search.any_open, lanes)

    async def next_due(self, groups: Collection[str], now: int, unknown_far_ms: int = record_search.FAR_MS) -> int | None:
        """Return when the next head that backs off becomes due; *unknown_far_ms* as for `heads`."""
        return await self._engine.read(record_search.next_due, groups, now, unknown_far_ms)

    async def unknowns(self, limit: int, after: int = 0) -> list[Record]:
        """Return the oldest *limit* records nobody knows the fate of, of those with a number above *after*."""
        return await self._engine.read(record_search.undecided, RecordState.UNKNOWN, limit, after)

    async def sending(self, limit: int) -> list[Record]:
        """Return the oldest *limit* records of which a send is under way."""
        return await self._engine.read(record_search.undecided, RecordState.SENDING, limit)

    async def get(self, key: int | bytes) -> Record | None:
        """Return the record of this number or 16-byte id."""
        return await self._engine.read(record_search.get, key)

    async def answer_of(self, number: int) -> StoredAnswer | None:
        """Return what the server said of a record; None where nothing was kept, or it was purged."""
        return await self._engine.read(record_search.answer_of, number)

    async def find(self, wanted: RecordFilter) -> list[Record]:
        """Return a page of the records that fit, newest last."""
        return await self._engine.read(record_search.find, wanted)

    async def count_persons(self, numbers: Collection[int]) -> int:
        """Return how many persons (or groups of them) the records of these numbers are about."""
        return await self._engine.read(record_search.count_persons, numbers)

    async def behind_held(self, number: int | None = None) -> dict[int, list[int]]:
        """Return, for each held record (or one) that others wait behind, their numbers, oldest first."""
        return await self._engine.read(record_search.behind_held, number)

    async def counts_by_route(self) -> list[tuple[str, RecordState, int]]:
        """Return how many records of each route are in each state; looks at every record."""
        return await self._engine.read(record_search.counts_by_route)

    async def counts(self) -> dict[RecordState, int]:
        """Return how many records are in each state."""
        return await self._engine.read(record_search.counts)

    async def open_groups(self) -> set[str]:
        """Return the groups that have a record which is not closed."""
        return await self._engine.read(record_search.open_groups)

    async def count_unsent(self, groups: Collection[str]) -> int:
        """Return how many records of *groups* are pending, sending or unknown."""
        return await self._engine.read(record_search.count_unsent, groups)

    async def latest_recorded_at(self) -> int | None:
        """Return when the latest record was made by a clock that nobody doubted."""
        return await self._engine.read(record_search.latest_recorded_at)

    async def next_deadline_at(self, now: int) -> int | None:
        """Return the next deadline of what is not confirmed."""
        return await self._engine.read(record_search.next_deadline_at, now)

    # What persons decide: compared with the record as they saw it, and in the audit

    async def edit(self, seen: Record, edited: Edited, act: Act, now: int) -> Decision:
        """Let a held, or a never sent, record say something else, and queue it; what it said is kept as a revision."""
        self._topics.add(edited.topics)
        return await self._engine.write(decision_ledger.edit, seen, edited, act, self.lane_hash, now)

    async def retry(self, seen: Record, act: Act, now: int) -> Decision:
        """Let a waiting record be sent at once; where a send may have got through and nobody vouches that none did, be looked up."""
        return await self._engine.write(decision_ledger.retry, seen, act, now)

    async def settle_by_person(self, seen: Record, reference: str, act: Act, now: int, *, learnt: Learnt | None = None) -> Decision:
        """Take a person's word that the server has a record; with *learnt*, who it is that was registered."""
        self._findable(None if learnt is None else learnt.real)
        return await self._engine.write(decision_ledger.settle, seen, reference, act, learnt, self.lane_hash, now)

    async def discard(self, seen: Record, act: Act, now: int) -> Decision:
        """Give a pending or held record up."""
        return await self._engine.write(decision_ledger.discard, seen, act, self.lane_hash, now)

    async def held_groups(self) -> list[HeldGroup]:
        """Return the held records by route and reason, most first."""
        return await self._engine.read(decision_ledger.held_groups)

    async def revisions(self, number: int) -> list[Revision]:
        """Return what a record said before each of its edits, the original first."""
        return await self._engine.read(decision_ledger.revisions, number)

    async def note(self, by: str, action: str, reason: str, now: int, details: Mapping[str, object] | None = None) -> None:
        """Put into the audit what a person did that changed no record, such as an export; *details* without personal data."""
        await self._engine.write(audit.note, now, by, action, None, reason, details)

    async def audit_entries(self, after: int = 0, limit: int = 1000, number: int | None = None) -> list[AuditEntry]:
        """Return a page of the audit, of one record or all, oldest first; *after* is the last id of the page before."""
        return await self._engine.read(audit.entries, after, limit, number)

    async def verify_audit(self) -> int | None:
        """Return the id of the audit's first entry that is not what was written; None where all is."""
        return await self._engine.read(audit.first_broken)

    # Afterwards

    async def mark_exported(self, numbers: Collection[int], now: int) -> int:
        """Mark records that somebody now has on paper; return how many there were."""
        return await self._engine.write(afterwards.mark_exported, numbers, now)

    async def delivered_since(self, since: int, after: int, limit: int) -> list[Record]:
        """Return a page of the records delivered since then that were not swept, oldest first; *after*: the last number before."""
        return await self._engine.read(afterwards.delivered_since, since, after, limit)

    async def mark_swept(self, number: int, now: int) -> bool:
        """Note that the server was asked once more and has it; False where it is no longer delivered."""
        return await self._engine.write(afterwards.mark_swept, number, now)

    async def purge(self, closed_before: int, now: int) -> int:
        """Forget what some records closed before then said and were answered; return how many: call it again until it is 0."""
        return await self._engine.write(afterwards.purge, closed_before, now)

    # What is read

    async def remember(self, answers: Sequence[Remembered], used: Collection[bytes], bytes_max: int, now: int) -> None:
        """Keep answers of the upstream, note which were given, and forget the least used beyond *bytes_max*."""
        await self._engine.write(remembered.remember, answers, used, bytes_max, now)

    async def recall(self, question: bytes) -> list[Remembered]:
        """Return what is remembered of a question, one answer for each variant, newest first."""
        return await self._engine.read(remembered.recall, question)

    async def kept(self, questions: Collection[bytes]) -> list[Kept]:
        """Return what answers there are to *questions*, without what they say."""
        return await self._engine.read(remembered.kept, questions)

    async def forget(self, question: bytes) -> None:
        """Forget the answer to one question."""
        await self._engine.write(remembered.forget, question)

    async def forget_expired(self, now: int) -> int:
        """Forget some of the answers too old to be given; return how many: call it again until it is 0, `fold_in` between."""
        return await self._engine.write(remembered.forget_expired, now)

    async def shed(self) -> int:
        """Forget some of the least used answers for room on the disk; return how many: call it again until it is 0, `fold_in` between."""
        return await self._engine.write(remembered.shed)

    def topic(self, text: str) -> bytes:
        """Return the hash by which a record is found by *text* (`NewRecord.topics`)."""
        return topics.topic_of(text, self.lane_hash)

    def _findable(self, text: str | None) -> None:
        """Note that a record may be found by *text*."""
        if text is not None:
            self._topics.add([self.topic(text)])

    def any_on(self, found_by: Iterable[bytes]) -> bool:
        """
        Whether anything may be found by one of these topics.

        Most look-ups are about nobody of whom we have something: that is known without asking the file, once its topics have been read.
        """
        if self._reading_topics is None:
            self._reading_topics = asyncio.create_task(self._read_topics(), name="journal-topics")
        return self._topics.may_have(found_by)

    async def records_on(self, texts: Collection[str], settled_after: int) -> list[Record]:
        """Return what is found by any of *texts* and is not confirmed, or was delivered after *settled_after*; oldest first."""
        if not self.any_on(map(self.topic, texts)):
            return []
        return await self._engine.read(topics.records_on, texts, settled_after, self.lane_hash)

    async def _read_topics(self) -> None:
        try:
            last = b""
            while page := await self._engine.read(topics.after, last):
                self._topics.add(page)
                last = page[-1]
            self._topics.add(await self._engine.read(topics.of_persons, self.lane_hash))
        except JournalError as error:
            log.warning("topics are looked for in the file each time", extra={"action": "topics_unread", "error": type(error).__name__})
        else:
            self._topics.complete = True

    async def remembered(self) -> Total:
        """Return how much is remembered."""
        return await self._engine.read(remembered.total)

    # People whose real id is not known yet

    async def learn(self, provisional: str, real: str, rekey: Rekey, now: int, *, adopted: bool = False) -> bool:
        """
        Note whom an id stands for, and key anew every open record of either: one transaction.

        Where two then are one fact, the younger that cannot have reached the server is held.

        Returns:
            False where the id is not ours, or is known to stand for somebody else: then nothing is changed.
        """
        self._findable(real)
        return await self._engine.write(identity_ledger.learn, Learnt(provisional, real, rekey, adopted), self.lane_hash, now)

    async def identities(self, provisionals: Collection[str]) -> dict[str, Identity]:
        """Return what is known of each id; those that are not ours are left out."""
        return await self._engine.read(identity_ledger.identities, provisionals)

    # Whose credential the server took; keyed hashes (`lane_hash`), never a credential

    async def accept_credential(self, accepted: Accepted) -> None:
        """Note that the server accepted a credential."""
        await self._engine.write(principal_ledger.accept, accepted)

    async def refuse_credential(self, credential: bytes, now: int) -> None:
        """Note that the server refused a credential."""
        await self._engine.write(principal_ledger.refuse, credential, now)

    async def accepted_credentials(self) -> list[Accepted]:
        """Return the credentials that the server accepted or refused, the latest last."""
        return await self._engine.read(principal_ledger.accepted)

    async def stand_ins(self) -> Mapping[bytes, bytes]:
        """Return, by principal, what must be equal of another whose credential may send that one's records."""
        return await self._engine.read(principal_ledger.stand_ins)

    async def waiting_for_log_in(self) -> list[Waiting]:
        """Return what goes up with a client's credential and heads its lanes, by group and principal."""
        return await self._engine.read(principal_ledger.waiting)

    async def note_down(self, name: str, content: bytes) -> None:
        """Keep something that can be had again but may be needed while it cannot, in place of what was kept under that name."""
        await self._engine.write(_remember, name, content)

    async def noted(self, name: str) -> bytes | None:
        """Return what was kept under that name."""
        return await self._engine.read(_remembered, name)

    # Outages

    async def open_outage(
        self, group: str, started_at: int, detected_at: int, cause: str, scope: str, seen: Seen, start: Start = UNKNOWN_START
    ) -> Outage:
        """Begin an outage. Raises JournalRefused where one of this group is running."""
        return await self._engine.write(outage_ledger.open_outage, group, started_at, detected_at, cause, scope, seen, start)

    async def reopen_outage(self, id_: int, failed: Failed, seen: Seen) -> bool:
        """Let an ended outage go on (a flap); False where it has not ended."""
        return await self._engine.write(outage_ledger.reopen_outage, id_, failed, seen)

    async def touch_outage(self, id_: int, failed: Failed, seen: Seen) -> bool:
        """Note the latest failure of a running outage; False where it is not running."""
        return await self._engine.write(outage_ledger.touch_outage, id_, failed, seen)

    async def place_outage(self, id_: int, scope: str) -> None:
        """Note where an outage lies."""
        await self._engine.write(outage_ledger.place_outage, id_, scope)

    async def lengthen_wait(self, id_: int, waited_ms: int) -> bool:
        """Note how long a desk waited in an outage; False where another waited as long."""
        return await self._engine.write(outage_ledger.lengthen_wait, id_, waited_ms)

    async def end_outage(self, id_: int, ended_at: int, seen: Seen) -> bool:
        """End a running outage, at the earliest at its last failure; False where it is not running."""
        return await self._engine.write(outage_ledger.end_outage, id_, ended_at, seen)

    async def add_unobserved(self, id_: int, unobserved_ms: int, seen: Seen) -> bool:
        """Note that for so long of a running outage no sidecar was running; False where it is not running."""
        return await self._engine.write(outage_ledger.add_unobserved, id_, unobserved_ms, seen)

    async def mark_drained(self, group: str, now: int) -> bool:
        """Mark the group's ended outages (`ALL_GROUPS`: ended holds) of which nothing is left to send; True where one was marked now."""
        return await self._engine.write(outage_ledger.mark_drained, group, now)

    async def undrained(self) -> list[str]:
        """Return the groups (of a hold: `ALL_GROUPS`) with an ended outage that `mark_drained` would mark."""
        return await self._engine.read(outage_ledger.undrained)

    async def running_outages(self) -> list[Outage]:
        """Return what is out now, oldest first."""
        return await self._engine.read(outage_ledger.running_outages)

    async def last_outage(self, group: str) -> Outage | None:
        """Return the group's latest outage, running or not."""
        return await self._engine.read(outage_ledger.last_outage, group)

    async def outages(self, wanted: OutageFilter) -> list[Outage]:
        """Return a page of the ledger's rows that fit, of every kind, newest last."""
        return await self._engine.read(outage_ledger.outages, wanted)

    async def records_in(self, id_: int, now: int) -> list[RouteRecords]:
        """Return what was recorded in an outage, by route; what is not confirmed *now* and should be has missed its deadline."""
        return await self._engine.read(outage_ledger.records_in, id_, now)

    async def annotate(self, note: Note) -> bool:
        """Add what a person knows better of an outage, and the audit's entry of it; False where there is none of that id."""
        return await self._engine.write(outage_ledger.annotate, note)

    async def outage_notes(self, outages: Collection[int]) -> list[Note]:
        """Return what persons know better of some outages, oldest first."""
        return await self._engine.read(outage_ledger.notes, outages)

    async def begin_slow(self, group: str, slowness: Slowness, seen: Seen) -> int:
        """Begin a brown-out, and return its id. Raises JournalRefused where one of this group is running."""
        return await self._engine.write(slow_times.begin, group, slowness, seen)

    async def go_on_slow(self, id_: int, slowness: Slowness, seen: Seen) -> bool:
        """Note what a running brown-out comes to by now; `end_outage` ends it."""
        return await self._engine.write(slow_times.go_on, id_, slowness, seen)

    async def running_slow(self) -> list[Outage]:
        """Return the brown-outs that are not over."""
        return await self._engine.read(slow_times.running)

    async def begin_watch(self, began_at: int, began_by: str) -> int:
        """Note that somebody looks from now on; return the id of it."""
        return await self._engine.write(watches.begin, began_at, began_by)

    async def go_on_watching(self, id_: int, seen_at: int) -> bool:
        """Note that they still do."""
        return await self._engine.write(watches.go_on, id_, seen_at)

    async def watches(self, since: int, until: int) -> list[Watch]:
        """Return when somebody looked, of those times that touch a span."""
        return await self._engine.read(watches.between, since, until)

    # Operator, figures

    async def hold(self, until: int | None, reason: str, by: str, now: int) -> None:
        """Put the operator's hold in force, in place of the one that was."""
        await self._engine.write(operator_hold.hold, until, reason, by, now)

    async def release(self, by: str, now: int, seen: OperatorHold | None = None) -> bool:
        """Release the operator's hold, or the one *seen*; False where there is none, or another took its place."""
        return await self._engine.write(operator_hold.release, by, now, seen)

    async def operator_hold(self) -> OperatorHold | None:
        """Return the operator's hold in force; whether its `until` has passed is for the caller to see."""
        return await self._engine.read(operator_hold.operator_hold)

    async def snapshot(self, now: int, end_holds: Callable[[Outage], bool]) -> Snapshot:
        """Return every durable figure, all of one moment; *end_holds*: whether an outage that is over cannot come back as a flap. Pure."""
        # The size too on the database's thread: a slow disk takes its time.
        return await self._engine.read(lambda db: snapshot(db, now, end_holds, size_bytes(self._file.path)))

    # The disk

    def standing(self) -> Standing:
        """Return whether records can be kept, and why not; from what is known, without waiting."""
        return self._engine.standing()

    def on_trouble(self, ring: Callable[[], None]) -> None:
        """Have *ring* called when writing begins to fail, or goes well again."""
        self._engine.on_trouble(ring)

    async def look_at_disk(self) -> None:
        """Measure the room on its disk, keep the reserve or give it up, and see whether an idle disk can be written."""
        await self._engine.look_at_disk()

    async def give_back(self) -> bool:
        """Give some of the room of what was purged back to the disk; True where there is more."""
        return await self._engine.give_back()

    async def fold_in(self) -> bool:
        """Fold the log into the file, and give its room back; who writes meanwhile waits. False where a reader still needs some of it."""
        return await self._engine.fold_in()

    async def rescues(self) -> list[Rescue]:
        """Return what was ever found damaged here, and what became of it, oldest first."""
        return await self._engine.read(rescues)

    async def originals(self) -> list[Original]:
        """Return the damaged files that rescues have kept beside the journal, oldest first."""
        return await asyncio.to_thread(originals, self._file.path)

    async def delete_originals(self, before: int) -> int:
        """Delete those of rescues before then, unless a record of which damage took a part still waits; return how many. Raises OSError."""
        if await self._engine.read(damaged_wait):
            return 0
        return await asyncio.to_thread(delete_older, self._file.path, before)

    async def damaged_after(self, after: int) -> tuple[int, list[int]]:
        """Look at some pages of the file after that number; as `store.file.scan.damaged_after`."""
        return await self._engine.damaged_after(after)

    async def mend(self) -> None:
        """Put right what is damaged; meanwhile verbs and queries raise `JournalDamaged`."""
        self._engine.mend()
        await self._engine.mended()


def _tell_of_restore(path: Path) -> None:
    if kept := end_restore(path):
        log.warning("restore ended that was cut off", extra={"action": "restore_ended", "kept_as": kept.name})


async def _installed(engine: Mending) -> Installation:
    try:
        return await engine.write(_installation)
    except JournalDamaged:
        await engine.mended()
        return await engine.write(_installation)


def _root_of_meta(db: Db) -> int:
    root: int = value(db, "root_of_meta")
    return root


def _installation(db: Db) -> Installation:
    run(db, "keep_meta", name="installation_id", value=secrets.token_bytes(16))
    run(db, "keep_meta", name="hash_key", value=secrets.token_bytes(32))
    return Installation(value(db, "meta", name="installation_id"), value(db, "meta", name="hash_key"))


def _remember(db: Db, name: str, content: bytes) -> None:
    run(db, "keep_meta_anew", name=f"remembered {name}", value=content)


def _remembered(db: Db, name: str) -> bytes | None:
    content: bytes | None = value(db, "meta", name=f"remembered {name}")
    return content
