"""People whose real id is not known yet: the ids issued for them, and what changes when the real one is learnt. Pure types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from store.records import Record


@dataclass(frozen=True, slots=True)
class Identity:
    """
    A provisional id; `number` is the registration it was issued with, `real` the id it stands for, None until that is learnt.

    `adopted`: the person turned out to have been registered before. Times are wall-clock milliseconds UTC.
    """

    provisional: str
    number: int
    real: str | None = field(repr=False)
    issued_at: int
    learnt_at: int | None
    adopted: bool


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """Under what a record is known once a real id is: as in NewRecord; `content` None: fact and content stay as they were."""

    lanes: tuple[bytes, ...]
    natural_key: bytes | None
    content: bytes | None


RealOf = Callable[[str], str | None]
"""Tells the real id of a provisional one; None: not known, or not ours."""

Rekey = Callable[[Record, RealOf], Rekeyed | None]
"""
Keys a record anew; None where nobody knows how. Pure: it runs on the journal's thread, inside the transaction in which the id is learnt.
"""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Whom a provisional id stands for, how to key what is known of that person, and whether they had been registered before."""

    provisional: str
    real: str = field(repr=False)
    rekey: Rekey = field(repr=False)
    adopted: bool = False
