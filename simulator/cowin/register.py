"""What the server knows: people, centres, sessions, bookings, and who may call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from random import Random
from uuid import UUID

from pydantic import BaseModel, ConfigDict, NonNegativeFloat

from simulator.cowin.centres import Session, sessions_from
from simulator.cowin.refusals import Code, Refused
from simulator.people import Person


class Repeat(StrEnum):
    """What becomes of a dose that is already there; what CoWIN does is not known."""

    APPLY = "apply"
    REFUSE = "refuse"


class Rules(BaseModel):
    """
    What an operator of the simulator may change while it runs.

    `otp_late_s` is how long a one-time password is on its way, in seconds; null: it never arrives.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repeat: Repeat = Repeat.APPLY
    refused_batches: frozenset[str] = frozenset()
    otp_late_s: NonNegativeFloat | None = 0.0


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booking of some people for one dose."""

    id: str
    session_id: str
    slot: str
    dose: int
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A text message with a one-time password; times are wall-clock milliseconds UTC, `arrives_at` None where it never does."""

    mobile: str
    otp: str
    transaction: str
    arrives_at: int | None
    expires_at: int


@dataclass(slots=True)
class Register:
    """The server's whole state."""

    draw: Random
    people: dict[str, Person]
    sessions: dict[str, Session]
    secret: bytes
    rules: Rules = field(default_factory=Rules)
    api_keys: set[str] = field(default_factory=lambda: {"demo-key"})
    appointments: dict[str, Appointment] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)

    @classmethod
    def opened(cls, people: Iterable[Person], draw: Random, today: date) -> Register:
        """Return a register with *people*, and sessions from *today* on."""
        sessions = {session.id: session for session in sessions_from(today, draw)}
        return cls(draw, {person.id: person for person in people}, sessions, draw.randbytes(32))

    def person(self, person_id: str) -> Person:
        """Return the beneficiary, or refuse."""
        person = self.people.get(person_id)
        if person is None:
            raise Refused(Code.NO_BENEFICIARY)
        return person

    def change(self, rules: Rules) -> None:
        """Take over those of *rules* that were given; the others stay."""
        self.rules = self.rules.model_copy(update={name: getattr(rules, name) for name in rules.model_fields_set})

    def arrived(self, at: int) -> list[Message]:
        """Return the messages that can be read at *at*, oldest first."""
        return [message for message in self.messages.values() if message.arrives_at is not None and message.arrives_at <= at]

    def appointments_of(self, person_id: str) -> list[Appointment]:
        """Return the bookings a person has, oldest first."""
        return [appointment for appointment in self.appointments.values() if person_id in appointment.people]

    def new_uuid(self) -> str:
        """Return a fresh id for a booking or a log-in, the same for the same seed."""
        return str(UUID(int=self.draw.getrandbits(128), version=4))
