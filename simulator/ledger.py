"""
What the server received and what it took on: the judge of the guarantees (DESIGN §2).

The ledger only grows, and is held in memory for as long as the simulator runs.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from simulator.clock import Moment
from simulator.exchange import Effect, Reply

ORDER_FIELD: Final = b"desk-sequence"
"""Header field by which a desk may number one person's writes, rising; the summary checks that they took effect in that order."""

ORDER_DIGITS_MAX: Final = 18


@dataclass(slots=True)
class Received:
    """
    One request, from its head on.

    `body` is None while (or if) it was never read; `faults` are those that struck it, outermost first; `reply` is None if no answer
    was given, and an answer given is not always an answer that arrived.
    """

    sequence: int
    moment: Moment
    connection: int
    method: str
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes | None = None
    faults: list[str] = field(default_factory=list)
    reply: Reply | None = None

    @property
    def order(self) -> int | None:
        """The desk's own number of this write, if it sent one."""
        value = next((value for name, value in self.fields if name.lower() == ORDER_FIELD), b"")
        return int(value) if value.isdigit() and len(value) <= ORDER_DIGITS_MAX else None

    def as_json(self) -> dict[str, object]:
        """Return the entry for the control port; nothing is lost: text that is no UTF-8 is given as base64."""
        return {
            "sequence": self.sequence,
            "received_at": self.moment.at,
            "monotonic_s": self.moment.monotonic_s,
            "connection": self.connection,
            "method": self.method,
            "target": self.target.decode("latin-1"),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in self.fields],
            **_text("body", self.body),
            "faults": self.faults,
            "status": self.reply.status if self.reply else None,
            **_text("answer", self.reply.body if self.reply else None),
        }


@dataclass(frozen=True, slots=True)
class Applied:
    """One effect, and the sequence number of the request that brought it about."""

    sequence: int
    received: int
    moment: Moment
    order: int | None
    effect: Effect

    def as_json(self) -> dict[str, object]:
        """Return the entry for the control port."""
        return {
            "sequence": self.sequence,
            "received": self.received,
            "applied_at": self.moment.at,
            "monotonic_s": self.moment.monotonic_s,
            "order": self.order,
            "kind": self.effect.kind,
            "person": self.effect.person,
            "key": self.effect.key,
            "dose": self.effect.dose,
        }


class Ledger:
    """Both lists, in the order of events; sequence numbers start at 1."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.applied: list[Applied] = []

    def receive(self, connection: int, method: str, target: bytes, fields: tuple[tuple[bytes, bytes], ...], moment: Moment) -> Received:
        """Enter a request whose head has come in, and return the entry, to be completed as it goes on."""
        entry = Received(len(self.received) + 1, moment, connection, method, target, fields)
        self.received.append(entry)
        return entry

    def apply(self, entry: Received, effects: tuple[Effect, ...], moment: Moment) -> None:
        """Enter what *entry* brought about."""
        for effect in effects:
            self.applied.append(Applied(len(self.applied) + 1, entry.sequence, moment, entry.order, effect))


def _text(name: str, raw: bytes | None) -> dict[str, str | None]:
    if raw is None:
        return {name: None}
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": b64encode(raw).decode()}
