"""
The journal: what is remembered, and what may be done with it.

Each verb is one transaction, or shares one with its neighbours; it returns when it is on disk. `now` and all times are wall-clock
milliseconds UTC. Verbs raise `JournalUnwritable`, queries `JournalUnreadable` (store.errors).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store import operator_hold, outage_ledger, record_ledger, record_search
from store.engine import CommitObserver, Engine
from store.keyfile import journal_key
from store.lock import Lock, Role
from store.operator_hold import OperatorHold
from store.outage_ledger import OutageFilter
from store.outages import Outage
from store.queries import Db, run, value
from store.record_search import RecordFilter
from store.records import NewRecord, Record, Recorded, RecordState, Settlement
from store.snapshot import Snapshot, snapshot

_LANE_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """What a journal is given at its first start and keeps: who it is, and the key of its hashes."""

    installation_id: bytes
    hash_key: bytes


async def open_journal(
    path: Path, key_file: Path, environ: Mapping[str, str], role: Role, on_commit: CommitObserver | None = None
) -> Journal:
    """
    Take the lock, get the key (make it at the first start), open the file and bring it up to date: in this order.

    Raises:
        JournalError: one of store.errors; the lock is free again and nothing was changed.
    """
    lock = await Lock.take_over(path, role)
    try:
        return await Journal.open(path, journal_key(path, key_file, environ), lock=lock, on_commit=on_commit)
    except BaseException:
        lock.release()
        raise


class Journal:
    """An open journal. Close it, or the process does not end: its connections have threads."""

    def __init__(self, engine: Engine, identity: Identity, lock: Lock | None) -> None:
        self._engine = engine
        self._identity = identity
        self._lock = lock

    @classmethod
    async def open(cls, path: Path, key: bytes, *, lock: Lock | None = None, on_commit: CommitObserver | None = None) -> Journal:
        """Open the file with a key and a lock that the caller has; `close` releases the lock. Raises as `open_journal`."""
        engine = await Engine.open(path, key, on_commit)
        try:
            identity = await engine.write(_identity)
        except BaseException:
            await engine.close()
            raise
        return cls(engine, identity, lock)

    async def close(self) -> None:
        """Finish what is queued, fold the log into the file, close it, and let others have it."""
        try:
            await self._engine.close()
        finally:
            if self._lock:
                self._lock.release()

    def wanted(self) -> bool:
        """Tell whether a starting service asks for the journal; a command then closes it as soon as it can."""
        return self._lock is not None and self._lock.wanted()

    @property
    def installation_id(self) -> bytes:
        """16 random bytes made at the first start."""
        return self._identity.installation_id

    def lane_hash(self, text: str) -> bytes:
        """Return the 16-byte keyed hash under which *text* is known here; of no use to whoever lacks this journal."""
        return hashlib.blake2b(text.encode(), digest_size=_LANE_BYTES, key=self._identity.hash_key).digest()

    # Records

    async def record(self, new: NewRecord, *, send: bool) -> Recorded:
        """Keep a write. With *send* it is `sending` at once, unless something older waits in one of its lanes."""
        return await self._engine.write(record_ledger.record, new, send=send)

    async def begin_send(self, number: int, now: int) -> Record | None:
        """Claim a pending record that heads all its lanes; durable before the first byte goes out. None where it is not that."""
        return await self._engine.write(record_ledger.begin_send, number, now)

    async def settle(self, number: int, attempt: int, settlement: Settlement, now: int) -> bool:
        """Write what one attempt came to; False where the record has moved on. A late delivery is taken in any open state."""
        return await self._engine.write(record_ledger.settle, number, attempt, settlement, now)

    async def move(self, number: int, from_state: RecordState, to: Settlement, now: int) -> bool:
        """Move a record by a decision without a send; False where it no longer stands in *from_state*."""
        return await self._engine.write(record_ledger.move, number, from_state, to, now)

    async def recover(self, now: int) -> int:
        """At start: make every send that a stop cut off `unknown`; return how many there were."""
        return await self._engine.write(record_ledger.recover, now)

    async def heads(self, groups: Collection[str], now: int, limit: int, principals: Collection[bytes] = ()) -> list[Record]:
        """Return up to *limit* due heads of lanes, oldest first: those that need no client's credential, or one of *principals*."""
        return await self._engine.read(record_search.heads, groups, now, limit, principals)

    async def any_open(self, lanes: Sequence[bytes]) -> bool:
        """Return whether something open waits in one of *lanes*."""
        return await self._engine.read(record_search.any_open, lanes)

    async def next_due(self, groups: Collection[str], now: int) -> int | None:
        """Return when the next head that backs off becomes due."""
        return await self._engine.read(record_search.next_due, groups, now)

    async def unknowns(self, limit: int) -> list[Record]:
        """Return the oldest *limit* records nobody knows the fate of."""
        return await self._engine.read(record_search.unknowns, limit)

    async def get(self, key: int | bytes) -> Record | None:
        """Return the record of this number or 16-byte id."""
        return await self._engine.read(record_search.get, key)

    async def find(self, wanted: RecordFilter) -> list[Record]:
        """Return a page of the records that fit, newest last."""
        return await self._engine.read(record_search.find, wanted)

    async def counts(self) -> dict[RecordState, int]:
        """Return how many records are in each state."""
        return await self._engine.read(record_search.counts)

    async def count_unsent(self, groups: Collection[str]) -> int:
        """Return how many records of *groups* are pending, sending or unknown."""
        return await self._engine.read(record_search.count_unsent, groups)

    async def oldest_unsent_at(self) -> int | None:
        """Return when the oldest of the pending, sending and unknown records was made."""
        return await self._engine.read(record_search.oldest_unsent_at)

    # Outages

    async def open_outage(self, group: str, started_at: int, detected_at: int, cause: str, scope: str, now: int) -> Outage:
        """Begin an outage. Raises JournalRefused where one of this group is running."""
        return await self._engine.write(outage_ledger.open_outage, group, started_at, detected_at, cause, scope, now)

    async def reopen_outage(self, id_: int, last_bad_at: int, now: int) -> bool:
        """Let an ended outage go on (a flap); False where it has not ended."""
        return await self._engine.write(outage_ledger.reopen_outage, id_, last_bad_at, now)

    async def touch_outage(self, id_: int, last_bad_at: int, now: int) -> bool:
        """Note the latest failure of a running outage; False where it is not running."""
        return await self._engine.write(outage_ledger.touch_outage, id_, last_bad_at, now)

    async def end_outage(self, id_: int, ended_at: int, now: int) -> bool:
        """End a running outage, at the earliest at its last failure; False where it is not running."""
        return await self._engine.write(outage_ledger.end_outage, id_, ended_at, now)

    async def add_unobserved(self, id_: int, unobserved_ms: int) -> bool:
        """Note that for so long of an outage no sidecar was running."""
        return await self._engine.write(outage_ledger.add_unobserved, id_, unobserved_ms)

    async def mark_drained(self, group: str, now: int) -> bool:
        """Mark the group's ended outages of which nothing is left to send; True where one was marked now."""
        return await self._engine.write(outage_ledger.mark_drained, group, now)

    async def running_outages(self) -> list[Outage]:
        """Return what is out now, oldest first."""
        return await self._engine.read(outage_ledger.running_outages)

    async def last_outage(self, group: str) -> Outage | None:
        """Return the group's latest outage, running or not."""
        return await self._engine.read(outage_ledger.last_outage, group)

    async def outages(self, wanted: OutageFilter) -> list[Outage]:
        """Return a page of the outages that fit, newest last."""
        return await self._engine.read(outage_ledger.outages, wanted)

    # Operator, figures

    async def hold(self, until: int | None, reason: str, by: str, now: int) -> None:
        """Put the operator's hold in force, in place of the one that was."""
        await self._engine.write(operator_hold.hold, until, reason, by, now)

    async def release(self, by: str, now: int) -> bool:
        """Release the operator's hold; False where there is none."""
        return await self._engine.write(operator_hold.release, by, now)

    async def operator_hold(self) -> OperatorHold | None:
        """Return the operator's hold in force; whether its `until` has passed is for the caller to see."""
        return await self._engine.read(operator_hold.operator_hold)

    async def snapshot(self, now: int) -> Snapshot:
        """Return every durable figure, all of one moment."""
        return await self._engine.read(snapshot, now, self._engine.size_bytes())


def _identity(db: Db) -> Identity:
    run(db, "keep_meta", name="installation_id", value=secrets.token_bytes(16))
    run(db, "keep_meta", name="hash_key", value=secrets.token_bytes(32))
    return Identity(value(db, "meta", name="installation_id"), value(db, "meta", name="hash_key"))
