"""Whose credential the server accepted, and whose records who may send: keyed hashes, never a credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from store.queries import Db, rows, run

CREDENTIALS_MAX: Final = 1024
"""Credentials whose acceptance or refusal is remembered: a log-in every 15 minutes at twenty desks is that many in a day of 13 hours."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    When the server last accepted a credential, known by its keyed hash.

    `accepted_at` is wall-clock milliseconds UTC (0, of no boot, where it was only ever refused), `boot_s` seconds since the boot named by
    `boot_id`; `refused_at` is set where it was refused since.
    """

    credential: bytes
    accepted_at: int
    boot_id: str
    boot_s: float
    refused_at: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many heads of lanes of one group wait for the credential of *principal*; since when at the longest, and the next deadline."""

    group: str
    principal: bytes
    records: int
    oldest_at: int
    deadline_at: int | None


def stand_ins(db: Db) -> Mapping[bytes, bytes]:
    """Return, by principal, what must be equal of another whose credential may send that one's records."""
    return dict(rows(db, "stand_ins"))


def accept(db: Db, accepted: Accepted) -> None:
    """Note that the server accepted a credential now; those longest ago are forgotten beyond `CREDENTIALS_MAX`."""
    run(
        db,
        "accept_credential",
        credential=accepted.credential,
        accepted_at=accepted.accepted_at,
        boot_id=accepted.boot_id,
        boot_s=accepted.boot_s,
    )
    run(db, "forget_credentials", kept=CREDENTIALS_MAX)


def refuse(db: Db, credential: bytes, now: int) -> None:
    """Note that the server refused a credential now; bounded as `accept`."""
    run(db, "refuse_credential", credential=credential, now=now)
    run(db, "forget_credentials", kept=CREDENTIALS_MAX)


def accepted(db: Db) -> list[Accepted]:
    """Return what the server accepted or refused, the latest last."""
    return [Accepted(*row) for row in rows(db, "accepted_credentials")]


def waiting(db: Db) -> list[Waiting]:
    """Return what goes up with a client's credential and heads its lanes."""
    return [Waiting(*row) for row in rows(db, "waiting_for_log_in")]
