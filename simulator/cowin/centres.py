"""Invented centres of one district, and the sessions they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final
from uuid import UUID

VACCINES: Final = ("COVISHIELD", "COVAXIN", "SPUTNIK V")
SLOTS: Final = ("09:00AM-11:00AM", "11:00AM-01:00PM", "01:00PM-03:00PM", "03:00PM-06:00PM")
STATES: Final[Mapping[int, str]] = {34: "Uttar Pradesh", 35: "Uttarakhand"}
DISTRICTS: Final[Mapping[int, Mapping[int, str]]] = {34: {668: "Bareilly"}, 35: {697: "Dehradun", 709: "Udham Singh Nagar"}}
DISTRICT_ID: Final = 709
PIN_CODE: Final = "263153"

CENTRES: Final[Mapping[int, str]] = {
    563048: "Medical College Rudrapur",
    **{563050 + number: f"Block Centre {number}" for number in range(1, 9)},
}
"""Name of each centre by its id."""

DAYS: Final = 14
"""Days ahead for which sessions exist."""

CAPACITY: Final = 800
"""Places of one session: what was expected at the medical college on 30 July 2021."""


@dataclass(slots=True)
class Session:
    """One day of one centre; `free` counts down as people book."""

    id: str
    center_id: int
    day: str
    vaccine: str
    free: int = CAPACITY

    def as_json(self) -> dict[str, object]:
        """Return the session as a search for sessions shows it."""
        return {
            "center_id": self.center_id,
            "name": CENTRES[self.center_id],
            "district_name": DISTRICTS[35][DISTRICT_ID],
            "pincode": int(PIN_CODE),
            "session_id": self.id,
            "date": self.day,
            "available_capacity": self.free,
            "min_age_limit": 18,
            "vaccine": self.vaccine,
            "slots": list(SLOTS),
        }


def sessions_from(first: date, draw: Random) -> Iterator[Session]:
    """Yield a session of each centre for each of the next days."""
    for ahead in range(DAYS):
        day = (first + timedelta(days=ahead)).strftime("%d-%m-%Y")
        for center_id in CENTRES:
            yield Session(str(UUID(int=draw.getrandbits(128), version=4)), center_id, day, "COVISHIELD")
