"""
Answers of the upstream, remembered for an outage.

They are expendable: the least used go when there are too many bytes of them, and all go before a record finds no room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from store.queries import Db, rows, run, value

ROW_BYTES: Final = 200
"""What an answer takes beside its fields and body, about: hashes, times, its places in three indexes."""

VARIANTS_MAX: Final = 8
"""Variants of one answer that are looked at; a server that varies by more is not remembered well."""

FORGOTTEN_MAX: Final = 500
FORGOTTEN_BYTES: Final = 1 << 20
"""
Answers, and bytes of them (or one answer), forgotten in one transaction. What is forgotten is overwritten, through the log: it takes as
much room again until the log is folded in, and a desk's record waits for it.
"""

ANSWER_BYTES_MAX: Final = 4 << 20
"""A longer answer is not remembered: on a disk that is nearly full there might be no room to forget it."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """
    One answer.

    `question` is the 16-byte keyed hash of what was asked and of who may have the answer, `variant` that of the values of the request
    fields named in `vary` (lower case, blanks between). `age_s` is how old it was when it came; it came at `fetched_at`, wall-clock
    milliseconds UTC, which was `fetched_boot_s` by the clock of the boot `fetched_boot`. From `expires_at` on it is given to nobody.
    """

    question: bytes
    variant: bytes
    vary: str
    status: int
    reason: str
    headers: bytes = field(repr=False)
    body: bytes = field(repr=False)
    age_s: float
    fetched_at: int
    fetched_boot: str
    fetched_boot_s: float
    expires_at: int

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.headers) + len(self.body) + len(self.vary) + ROW_BYTES


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer without what it says: for which question and variant, and what its age is reckoned from (as in `Remembered`)."""

    question: bytes
    variant: bytes
    vary: str
    age_s: float
    fetched_at: int
    fetched_boot: str
    fetched_boot_s: float


@dataclass(frozen=True, slots=True)
class Total:
    """How much is remembered."""

    answers: int
    bytes: int


def remember(db: Db, answers: Sequence[Remembered], used: Collection[bytes], bytes_max: int, now: int) -> None:
    """Keep *answers*, note that those to the questions *used* were given, and forget the least used beyond *bytes_max*."""
    for question in used:
        run(db, "mark_used", question=question, now=now)
    for answer in answers:
        run(
            db,
            "remember",
            question=answer.question,
            variant=answer.variant,
            vary=answer.vary,
            status=answer.status,
            reason=answer.reason,
            headers=answer.headers,
            body=answer.body,
            size=answer.size,
            age_s=answer.age_s,
            fetched_at=answer.fetched_at,
            fetched_boot=answer.fetched_boot,
            fetched_boot_s=answer.fetched_boot_s,
            expires_at=answer.expires_at,
            now=now,
        )
    too_many = total(db).bytes - bytes_max
    if too_many > 0:
        added = sum(answer.size for answer in answers)
        _forget_some(lambda: value(db, "forget_least_used"), min(too_many, added + FORGOTTEN_BYTES))


def without_content(answer: Remembered) -> Kept:
    """Return that there is *answer*, and how old it is."""
    times = (answer.age_s, answer.fetched_at, answer.fetched_boot, answer.fetched_boot_s)
    return Kept(answer.question, answer.variant, answer.vary, *times)


def recall(db: Db, question: bytes) -> list[Remembered]:
    """Return what is remembered of a question, one answer for each variant, newest first."""
    return [Remembered(*row) for row in rows(db, "recall", question=question, limit=VARIANTS_MAX)]


def kept(db: Db, questions: Collection[bytes]) -> list[Kept]:
    """Return what answers there are to *questions*."""
    return [Kept(*row) for question in questions for row in rows(db, "kept_answers", question=question, limit=VARIANTS_MAX)]


def forget(db: Db, question: bytes) -> None:
    """Forget the answer to one question."""
    run(db, "forget_answer", question=question)


def forget_expired(db: Db, now: int) -> int:
    """Forget some of what is too old; return how many there were."""
    return _forget_some(lambda: value(db, "forget_expired", now=now), FORGOTTEN_BYTES)


def shed(db: Db) -> int:
    """Forget some of the least used for room on the disk; return how many there were."""
    return _forget_some(lambda: value(db, "forget_least_used"), FORGOTTEN_BYTES)


def _forget_some(forget_one: Callable[[], int | None], enough: int) -> int:
    """Forget one answer after another, until it is *enough* bytes of them or FORGOTTEN_MAX; return how many there were."""
    forgotten = 0
    while enough > 0 and forgotten < FORGOTTEN_MAX and (size := forget_one()) is not None:
        enough -= size
        forgotten += 1
    return forgotten


def forget_all(db: Db) -> int:
    """Forget all; return how many there were."""
    return run(db, "forget_all_answers")


def total(db: Db) -> Total:
    """Return how much is remembered."""
    return Total(*rows(db, "remembered_tally")[0])
