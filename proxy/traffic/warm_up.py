"""
Asks in quiet times for what an outage should find remembered, one call at a time, and tells how much of it is there.

It gives way to everybody: to desks, records, look-ups and probes. It stops where the upstream, the credential or a circuit is in trouble.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from proxy.rules.outcome import OutcomeKind
from proxy.rules.warm_up import Coverage, Kind, Want, coverage, in_turn, may_ask
from proxy.traffic.asking import Asking
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Credentials
from proxy.traffic.fetching import Fetch
from proxy.traffic.wishes import Wish, Wished, Wishes
from store.journal import Journal

log = logging.getLogger(__name__)

LATER_S: Final = 10.0
"""Wait until it is asked again whether it is quiet."""

PLAN_EVERY_S: Final = 60.0
"""How often it is worked out what is missing, once all that was is asked for."""

PAUSE_S: Final = 300.0
"""Wait after an answer that was not the upstream's own word, or a refused credential."""

TOLD_FOR_S: Final = 5.0
"""For so long the coverage is told as it was reckoned: a page that is open asks every second or two."""

OWN_WORD: Final = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.REFUSED})


@dataclass(slots=True)
class WarmUp:
    """Fetches, and reckons the coverage."""

    wishes: Wishes
    asking: Asking
    journal: Journal
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    clock: Clock
    _due: deque[Wish] = field(default_factory=deque)
    _planned_s: float = -math.inf
    _paused_until: float = -math.inf
    _tried: dict[bytes, float] = field(default_factory=dict)
    _told: tuple[float, Coverage] = (-math.inf, Coverage(0, 0))

    async def step(self) -> float:
        """Ask for one thing, if it is time to; return seconds until the next step."""
        now = self.clock.monotonic()
        if not self.wishes.any() or now < self._paused_until or not await self._is_quiet():
            return LATER_S
        if not self._due and now - self._planned_s >= PLAN_EVERY_S:
            await self._plan()
        while self._due and not self._open_to(self._due[0]):
            self._due.popleft()
        if not self._due:
            return LATER_S
        if (wait_s := self.budget.spare()) > 0:
            return wait_s
        await self._ask(self._due.popleft())
        return 0.0

    async def coverage(self) -> Coverage | None:
        """Return how many persons an outage would find now, as of at most some seconds ago; None where the profile names nothing."""
        if not self.wishes.any():
            return None
        now = self.clock.monotonic()
        if now - self._told[0] >= TOLD_FOR_S:
            wished = await self.wishes.all()
            ages_s = await self._ages_s(wished)
            self._told = now, coverage([ages_s.get(question) is not None for question in person] for person in wished.persons)
        return self._told[1]

    async def _is_quiet(self) -> bool:
        credential = self.credentials.own.configured and self.credentials.own.wrong is None
        return may_ask(credential=credential, idle_s=self.budget.idle_s(), backlog=await self._backlog())

    async def _backlog(self) -> bool:
        """Whether a record waits that can go up; behind a held one, or without its log-in, none can."""
        now, groups = self.clock.wall(), self.circuits.groups()
        heads = await self.journal.heads(groups, now, 1, self.credentials.known())
        return bool(heads) or await self.journal.next_due(groups, now) is not None

    def _open_to(self, wish: Wish) -> bool:
        group = wish.asked.route.group
        return self.circuits.closed(group) and group in self.circuits.open_to_replay()

    async def _plan(self) -> None:
        self._planned_s = now = self.clock.monotonic()
        wished = await self.wishes.all()
        ages_s, wishes = await self._ages_s(wished), list(wished.wishes.values())
        self._tried = {question: at for question, at in self._tried.items() if question in wished.wishes}
        wants = [self._want(wish, ages_s[wish.asked.question], now) for wish in wishes]
        self._due = deque(wishes[index] for index in in_turn(wants))

    async def _ages_s(self, wished: Wished) -> dict[bytes | None, float | None]:
        ages_s = await self.asking.recollection.ages_s([wish.asked for wish in wished.wishes.values()])
        return dict(zip(wished.wishes, ages_s, strict=True))

    def _want(self, wish: Wish, age_s: float | None, now: float) -> Want:
        tried = self._tried.get(wish.asked.question)
        return Want(wish.kind, age_s, self.asking.recollection.lasts_s(wish.asked.route), None if tried is None else now - tried)

    async def _ask(self, wish: Wish) -> None:
        asked = wish.asked
        permit = self.circuits.permit(asked.route.group)
        if permit is None:
            return
        self._tried[asked.question] = self.clock.monotonic()
        came = await self.asking.ask(asked, Fetch(self.clock.stamp()), permit)
        if wish.kind is Kind.LIST:
            self._due.clear()  # whom it names comes before what was looked up of late
            self._planned_s = -math.inf
        if came.health.kind not in OWN_WORD:
            self._paused_until = self.clock.monotonic() + PAUSE_S
            log.info("warm-up pauses", extra={"action": "warm_up_paused", "route": asked.route.name, "outcome": came.health.kind.value})
