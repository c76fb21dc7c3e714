"""What the demo does, when, and with which settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.demo.district import CENTRES, HANDLING_MIN, Centre
from simulator.dialects import DIALECTS
from simulator.forms import Dialect

OPENS_S: Final = 9 * 3600.0
CLOSES_S: Final = 17 * 3600.0
"""Seconds from midnight of the day that is played."""

SCENARIO: Final = "rudrapur-30-july"

LISTED_S: Final = 3600.0
"""So long after the opening each centre has looked up those of its people who are on the register: the list of who is expected."""

MISREAD_S: Final = 13 * 3600.0
"""The first walk-in of the first centre after this has a batch number misread."""

KILLED_S: Final = 13.5 * 3600.0
"""When the sidecar of the last centre is killed: in the outage, with its backlog on disk."""

REFUSED_BATCH: Final = "4121Z0I2"
"""The digit 1 read as a letter, as it happens with vials."""

AGAIN_MIN: Final = 2.0
"""Minutes of the day after which a desk that was told nothing asks again."""

ANSWER_WITHIN_S: Final = 3
"""The shipped default, not shortened: it is what the desks are promised."""

SHORTENED: Final[dict[str, dict[str, Any]]] = {
    "outage": {"probe_every": "500ms", "probe_max": "1s", "probe_idle": "5s"},
    "replay": {"spread_max": "2s", "calls_per_minute": 6000, "settle": "1s"},
}
"""Settings that make of seconds what takes hours, by section of `config.yaml`."""

SHORTENED_TEXT: Final = (
    "Set for a day that goes by in a minute: probes every 0.5 to 1 s (as shipped: 2 to 15 s); the centres start within 2 s of the return "
    "(15 min); at most 6000 calls a minute for each (20); what the server does not show is sent again after 1 s (60 s). "
    "As shipped: an answer at the desk within 3 s, and a backlog spread over half the outage."
)

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: the seconds that the day takes, how many centres, one in so many of their people, the seed, the profile of the server."""

    seconds: float
    centres: int = len(CENTRES)
    one_in: int = 1
    seed: int = 1
    profile: str = "cowin-vaccinator"

    @property
    def dialect(self) -> Dialect:
        """How the desks write to such a server."""
        return DIALECTS[self.profile]

    @property
    def district(self) -> Sequence[Centre]:
        """The centres that take part."""
        return CENTRES[: self.centres]

    @property
    def people(self) -> int:
        """How many come, to all of them."""
        return sum(self.coming(centre) for centre in self.district)

    @property
    def speed(self) -> float:
        """How many seconds of the day go by in one."""
        return (CLOSES_S - OPENS_S) / self.seconds

    @property
    def handling_s(self) -> tuple[float, float]:
        """Seconds of the demo that a person is at a desk, from the least to the most."""
        least, most = (60 * minutes / self.speed for minutes in HANDLING_MIN)
        return least, most

    def coming(self, centre: Centre) -> int:
        """Return how many come to *centre*."""
        return max(1, centre.people // self.one_in)

    def after_opening_s(self, day_s: float) -> float:
        """Return when a moment of the day comes about: seconds of the demo since the desks opened."""
        return (day_s - OPENS_S) / self.speed


def config(centre: Centre, profile: str, url: str, port: int, admin_port: int) -> str:
    """Return the `config.yaml` of a centre's sidecar: JSON is YAML."""
    settings = {
        "centre": {"id": centre.id, "name": centre.name, "number": centre.number},
        "profile": profile,
        "upstream": {"url": url, "headers": {"x-api-key": "demo-key"}},
        "listen": {"host": HOST, "port": port},
        "admin": {"host": HOST, "port": admin_port},
        "store": {"path": "journal.db", "key_file": "journal.key"},
        "answering": {"answer_within": f"{ANSWER_WITHIN_S}s"},
        **SHORTENED,
    }
    return json.dumps(settings, indent=2)
