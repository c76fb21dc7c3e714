"""
What is remembered of the upstream's answers, between the desks and the journal.

Answers are written together, once a second: a crash costs a second's worth of what is expendable, and a desk never waits for it. When
the disk is short nothing new is remembered and what there is is forgotten, least used first: the room is the records'.
"""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from proxy.traffic.at_hand import AtHand
from proxy.traffic.clock import Clock
from store.errors import JournalError
from store.file.standing import Why
from store.journal import Journal
from store.remembered import ANSWER_BYTES_MAX, Kept, Remembered, without_content

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
SHEDDING_S: Final = 0.05
"""Wait between two batches while room is made: records go between them."""

WAITING_MAX: Final = 512
WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
"""What waits to be written at most; the oldest is dropped. A desk asks a few questions a minute, a warm-up one a second."""


KEPT_AT_ONCE: Final = 200
"""Questions that are put to the journal in one go: some 2 ms of its reading thread."""

RECENT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Answers that were given of late and are at hand without asking the journal, at most: some 3,000 persons."""


@dataclass(slots=True)
class Memory:
    """Remembers and recalls; `bytes_max` is `reads.size_max`."""

    journal: Journal
    clock: Clock
    bytes_max: int
    _recent: dict[bytes, list[AtHand]] = field(default_factory=dict)
    _recent_bytes: int = 0
    _waiting: dict[tuple[bytes, bytes], Remembered] = field(default_factory=dict)
    _waiting_bytes: int = 0
    _used: set[bytes] = field(default_factory=set)
    _shed: int = 0
    _changes: int = 0
    """Counts what is remembered and forgotten: what the journal said meanwhile may be of before, and is not kept at hand."""
    only_variant: bytes = field(init=False)
    """The variant of an answer that the upstream varies by nothing."""

    def __post_init__(self) -> None:
        """Work out what most answers have in common."""
        self.only_variant = self.journal.lane_hash("variant\0")

    def remember(self, answer: Remembered) -> None:
        """Have an answer kept, in the place of the one before; at once as far as `recall` goes."""
        if answer.size > min(self.bytes_max, ANSWER_BYTES_MAX):
            return
        self._drop((answer.question, answer.variant))
        self._changed(answer.question)
        self._waiting[answer.question, answer.variant] = answer
        self._waiting_bytes += answer.size
        while len(self._waiting) > WAITING_MAX or self._waiting_bytes > WAITING_BYTES_MAX:
            self._drop(next(iter(self._waiting)))

    async def recall(self, question: bytes) -> list[AtHand]:
        """Return what is remembered of a question, one answer for each variant, newest first; nothing where the journal cannot be read."""
        if (recent := self._recent.get(question)) is not None:
            return recent
        changes = self._changes
        waiting = [answer for key, answer in self._waiting.items() if key[0] == question] if self._waiting else []
        try:
            kept = await self.journal.recall(question)
        except JournalError:
            kept = []
        by_variant = {answer.variant: answer for answer in (*kept, *waiting)}
        found = [AtHand.of(answer) for answer in sorted(by_variant.values(), key=lambda answer: answer.fetched_at, reverse=True)]
        if found and not waiting and changes == self._changes:
            self._keep_at_hand(question, found)
        return found

    async def kept(self, questions: AbstractSet[bytes]) -> dict[bytes, list[Kept]]:
        """Return what is remembered of *questions*, KEPT_AT_ONCE at most, without what the answers say."""
        found: dict[bytes, list[Kept]] = {}
        waiting = [without_content(answer) for answer in self._waiting.values() if answer.question in questions]
        for kept in (*waiting, *await self.journal.kept(questions)):
            found.setdefault(kept.question, []).append(kept)
        return found

    def used(self, question: bytes) -> None:
        """Note that the answer to *question* was given."""
        if len(self._used) < WAITING_MAX:
            self._used.add(question)

    async def forget(self, question: bytes) -> None:
        """Forget an answer: the upstream says otherwise now."""
        for key in [key for key in self._waiting if key[0] == question]:
            self._drop(key)
        self._changed(question)
        await self.journal.forget(question)
        self._changed(question)  # who asked meanwhile may have found it still there

    def drop_all(self) -> None:
        """Forget what is at hand, and what is not written yet."""
        for key in list(self._waiting):
            self._drop(key)
        self._changes += 1
        self._recent.clear()
        self._recent_bytes = 0

    async def step(self) -> float:
        """Write what waits, or make room; return seconds until the next step."""
        why = self.journal.standing().why
        try:
            if why is Why.WELL:
                await self.flush()
            elif why in (Why.SHORT, Why.FULL):
                return await self._make_room()
        except JournalError as error:
            # What waits is expendable, and the journal tells of its disk itself.
            log.debug("answers not kept", extra={"action": "answers_not_kept", "error": type(error).__name__})
        return EVERY_S

    async def flush(self) -> None:
        """Write what waits."""
        answers, used = list(self._waiting.values()), frozenset(self._used)
        if not answers and not used:
            return
        await self.journal.remember(answers, used, self.bytes_max, self.clock.wall())
        self._used -= used
        for answer in answers:
            if self._waiting.get((answer.question, answer.variant)) is answer:
                self._drop((answer.question, answer.variant))

    async def _make_room(self) -> float:
        self.drop_all()
        if not await self.journal.fold_in():
            return EVERY_S  # what is forgotten goes through the log: it would only grow, and take the records' room
        shed = await self.journal.shed()
        self._shed += shed
        if shed or await self.journal.give_back():
            return SHEDDING_S
        if self._shed:
            log.warning("answers forgotten, the disk is short", extra={"action": "answers_shed", "answers": self._shed})
            self._shed = 0
        return EVERY_S

    def _changed(self, question: bytes) -> None:
        self._changes += 1
        self._not_recent(question)

    def _keep_at_hand(self, question: bytes, answers: list[AtHand]) -> None:
        self._not_recent(question)
        self._recent[question] = answers
        self._recent_bytes += sum(answer.size for answer in answers)
        while self._recent_bytes > min(RECENT_BYTES_MAX, self.bytes_max):
            self._not_recent(next(iter(self._recent)))

    def _not_recent(self, question: bytes) -> None:
        self._recent_bytes -= sum(answer.size for answer in self._recent.pop(question, ()))

    def _drop(self, key: tuple[bytes, bytes]) -> None:
        dropped = self._waiting.pop(key, None)
        self._waiting_bytes -= 0 if dropped is None else dropped.size
