"""What the demo does, when, and with which settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from simulator.dialects import DIALECTS
from simulator.forms import Dialect

ANSWER_WITHIN_S: Final = 3
"""The shipped default, not shortened: it is what the desks are promised."""

SHORTENED: Final[dict[str, dict[str, Any]]] = {
    "outage": {"probe_every": "1s", "probe_max": "2s", "probe_idle": "2s"},
    "replay": {"spread_max": "3s", "calls_per_minute": 6000, "settle": "2s"},
}
"""Settings that make an outage of seconds of what takes hours, by section of `config.yaml`."""

SHORTENED_TEXT: Final = (
    "an outage of seconds; probes every 1-2 s; replay within 3 s of the return, at most 6000 calls a minute; "
    "what the server does not show is sent again after 2 s"
)

HOST: Final = "127.0.0.1"

PEOPLE_PER_DESK_S: Final = 3
"""On the register: more than those of the queue who are not walk-ins."""

LOSING: Final[dict[str, Any]] = {"fault": "commit_then_drop", "share": 0.3}
"""A share at which the server still counts as up, so that each lost answer is a riddle of its own; on the routes of what is entered."""


class Phase(Enum):
    """
    One part of the day.

    Each has its share of the time that the desks work, the fault that makes it as the server is asked for it, and the words for it.
    """

    UP = (0.15, None, "the server is up")
    LOSING = (0.15, LOSING, "the server does all that is asked, but of its answers three in ten are lost on the way")
    SLOW = (0.15, {"fault": "slow"}, "the server is overloaded: it takes five seconds")
    CALM = (0.05, None, "the server has caught up")
    DOWN = (0.25, {"fault": "refuse"}, "the server is down: it refuses connections")
    SILENT = (0.1, {"fault": "hang"}, "the server takes connections again, but does not answer")
    BACK = (0.15, None, "the server is back")
    CLOSED = (0.0, None, "the desks have closed; what waits is sent")
    REPAIR = (0.0, None, "a person repairs what the server refused")

    def __init__(self, share: float, fault: dict[str, Any] | None, words: str) -> None:
        self.share = share
        self.fault = fault
        self.words = words

    @property
    def answers(self) -> bool:
        """Tell whether the server answers at all, be it late."""
        return self not in (Phase.DOWN, Phase.SILENT)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: the time that the desks work, how many they are, the seed of all chances, and the profile of the server."""

    seconds: float
    desks: int
    seed: int
    profile: str = "cowin-vaccinator"

    @property
    def dialect(self) -> Dialect:
        """How the desks write to such a server."""
        return DIALECTS[self.profile]

    @property
    def people(self) -> int:
        """How many the server has on its register."""
        return int(self.seconds * self.desks * PEOPLE_PER_DESK_S)


def config(profile: str, url: str, port: int, admin_port: int) -> str:
    """Return the sidecar's `config.yaml`: JSON is YAML."""
    settings = {
        "centre": {"id": "demo", "name": "Medical College Rudrapur", "number": 563048},
        "profile": profile,
        "upstream": {"url": url, "headers": {"x-api-key": "demo-key"}},
        "listen": {"host": HOST, "port": port},
        "admin": {"host": HOST, "port": admin_port},
        "store": {"path": "journal.db", "key_file": "journal.key"},
        "answering": {"answer_within": f"{ANSWER_WITHIN_S}s"},
        **SHORTENED,
    }
    return json.dumps(settings, indent=2)
