"""What an outage should find remembered: masters, who is expected (by lists that are remembered too), what was looked up of late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

from proxy.profiles.model import Expected, Policy, Profile, WarmUp
from proxy.rules import warm_up
from proxy.rules.warm_up import Kind, Page
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.apart import apart
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Caller
from proxy.traffic.persons import NOBODY
from proxy.traffic.readings import Readings
from proxy.traffic.recollection import Asked, Recollection

AT_ONCE: Final = 20
"""Persons who are worked out between two looks at what the desks want: a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One look-up."""

    kind: Kind
    asked: Asked


@dataclass(frozen=True, slots=True)
class Wished:
    """Look-ups by question, and what belongs to each person; None stands for what cannot be had for them."""

    wishes: dict[bytes, Wish] = field(default_factory=dict)
    persons: list[tuple[bytes | None, ...]] = field(default_factory=list)

    def add(self, kind: Kind, asked: Asked | None) -> bytes | None:
        """Wish for what is *asked*, once; return its question."""
        if asked is None:
            return None
        self.wishes.setdefault(asked.question, Wish(kind, asked))
        return asked.question


@dataclass(slots=True)
class Wishes:
    """Says what is wished for. What was worked out is kept until the profile, a list or the desks' words change."""

    profile: ActiveProfile
    recollection: Recollection
    readings: Readings
    prefix: str
    clock: Clock
    timezone: tzinfo
    centre_id: str
    _by: Profile | None = None
    _asked: dict[str, Asked | None] = field(default_factory=dict)
    _pages: dict[bytes, tuple[int, Page]] = field(default_factory=dict)
    """Parts of lists by question, as they were when they were fetched at that time (wall-clock milliseconds UTC)."""

    def any(self) -> bool:
        """Whether the profile names anything at all."""
        return self.profile.profile.warm_up is not None

    async def all(self) -> Wished:
        """Return all that is wished for."""
        wanted, wished = self.profile.profile.warm_up, Wished()
        if wanted is None:
            return wished
        self._forget_another_profiles()
        for target in wanted.masters:
            wished.add(Kind.MASTER, self._as_desk(target))
        async for page in self._lists(wanted, wished):
            for at, look_ups in enumerate(page.persons):
                if at % AT_ONCE == 0:
                    await asyncio.sleep(0)
                known = len(wished.persons) < warm_up.PERSONS_MAX
                asked = [self._as_desk(target) for target in look_ups] if known else [None]
                wished.persons.append(tuple(wished.add(Kind.EXPECTED, each) for each in asked))
        for reading in self.readings.of(wanted.refresh):
            if reading.question not in wished.wishes and not reading.route.shared:
                wished.persons.append((reading.question,))
            wished.add(Kind.READ, reading)
        self._keep_only(wished)
        return wished

    async def _lists(self, wanted: WarmUp, wished: Wished) -> AsyncIterator[Page]:
        """Wish for the lists of those who are expected, and yield the parts that are remembered."""
        days = warm_up.days(self.clock.wall(), self.timezone, self.centre_id)
        for expected, day in ((expected, day) for day in days for expected in wanted.expected):
            target = warm_up.list_of(expected, day, self.centre_id)
            for _ in range(warm_up.PAGES_MAX):
                asked = None if target is None else self._as_desk(target, for_us=True)
                if asked is None:
                    break
                wished.add(Kind.LIST, asked)
                page = await self._page(expected, asked)
                if page is None:
                    break
                yield page
                target = page.following

    async def _page(self, expected: Expected, asked: Asked) -> Page | None:
        stored, known = await self.recollection.stored(asked), self._pages.get(asked.question)
        if stored is None:
            return None if known is None else known[1]  # too old to be given: they are expected all the same
        at = stored.fetched.wall
        if known is None or known[0] != at:
            known = at, await apart(len(stored.answer.body), warm_up.page, expected, stored.answer, self.prefix)
            self._pages[asked.question] = known
        return known[1]

    def _as_desk(self, target: str, *, for_us: bool = False) -> Asked | None:
        """
        Return *target* as a desk asks it; None where it is on no read route, or what we are answered is not for the desks.

        *for_us*: it is of use to us all the same.
        """
        known = self._asked.get(target)
        if known is not None and known.caller.fields is self.readings.words(known.route).fields:
            return known
        self._asked[target] = self._worked_out(target, for_us=for_us)
        return self._asked[target]

    def _worked_out(self, target: str, *, for_us: bool) -> Asked | None:
        match = self.profile.routes.match("GET", target.partition("?")[0])
        if match is None or match.route.policy is not Policy.READ:
            return None
        words = self.readings.words(match.route)
        if not (for_us or words.ours or match.route.shared):
            return None
        return self.recollection.asked("GET", match, self.prefix + target, Caller(words.fields, None, None, None), NOBODY)

    def _keep_only(self, wished: Wished) -> None:
        """Forget what days that are over led to."""
        self._asked = {target: asked for target, asked in self._asked.items() if asked is not None and asked.question in wished.wishes}
        self._pages = {question: page for question, page in self._pages.items() if question in wished.wishes}

    def _forget_another_profiles(self) -> None:
        if self._by is not self.profile.profile:
            self._by = self.profile.profile
            self._asked.clear()
            self._pages.clear()
