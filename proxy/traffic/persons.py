"""
Who a request is about: provisional ids are known again, replaced by the real ones, and kept from the upstream where they cannot be.

Only ids of this centre's own number are looked at. Another centre's cannot be told from an id of the server's that happens to have the
form (about one in nine hundred has), and the server itself will say that it knows nobody of that id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from proxy.profiles.model import Provisional, Route
from proxy.rules.admission import request_view
from proxy.rules.facts import Facts, facts_of
from proxy.rules.fields import from_block
from proxy.rules.identity import find_provisional, provisional_id, running_numbers
from proxy.rules.overlay import topics
from proxy.rules.routes import without_prefix
from proxy.rules.slots import slots_in, translated
from proxy.settings import Settings
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.apart import apart
from store.identities import Learnt, RealOf, Rekeyed
from store.journal import Journal
from store.records import Record

IN_PLACE = "0"
"""Stands in for an id that is not known yet, where only the places are looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """The provisional ids in a request's slots: those whose real id is known, and those that wait for it."""

    real_ids: Mapping[str, str]
    awaits: tuple[str, ...] = ()


NOBODY = Known({})


@dataclass(frozen=True, slots=True)
class Persons:
    """Resolves ids; `prefix` is the path of `upstream.url`, `centre_number` what this centre's provisional ids carry."""

    profile: ActiveProfile
    journal: Journal
    prefix: str
    centre_number: int

    async def resolve(self, route: Route | None, target: str, headers: bytes, body: bytes) -> Known | None:
        """
        Return the provisional ids in a request; None where one of ours was never given out, or stands where no slot is declared.

        Args:
            route: The route, None where no route describes the request: it has no slots.
            target: Raw path and query.
            headers: Header block.
            body: As it came.
        """
        size = len(target) + len(headers) + len(body)
        found = await apart(size, self._ours, target.encode(), headers, body)
        if not found:
            return NOBODY
        identities = await self.journal.identities(found)
        if route is None or len(identities) < len(found):
            return None
        if await apart(size, self._misplaced, found, route, target, headers, body):
            return None
        real_ids = {provisional: each.real for provisional, each in identities.items() if each.real is not None}
        return Known(real_ids, tuple(sorted(found - real_ids.keys())))

    async def going_up(self, record: Record) -> tuple[str, bytes] | None:
        """Return target and body of *record* with real ids; None while one of them is not known, or cannot be replaced."""
        route = self.profile.route(record.route)
        known = await self.resolve(route, record.target, record.headers, record.body)
        if known is None or known.awaits:
            return None
        if route is None:
            return record.target, record.body
        return await apart(len(record.body), translated, route, record.target, record.body, known.real_ids)

    async def any_adopted(self, record: Record) -> bool:
        """Whether *record* names somebody who turned out to have been registered before: others may have entered the dose too."""
        route = self.profile.route(record.route)
        ours = await apart(len(record.body), self._ours, record.target.encode(), record.body)
        ours &= frozenset() if route is None or not ours else slots_in(route, record.target, record.body)
        return bool(ours) and any(each.adopted for each in (await self.journal.identities(ours)).values())

    def issue(self, running_number: int) -> str:
        """Return the provisional id of a running number (for routes that issue an id; their profile declares the form)."""
        form = self.profile.profile.provisional
        assert form is not None  # the profile's checks hold it
        return provisional_id(form, self.centre_number, running_number % running_numbers(form))

    def learnt(self, record: Record, real_id: str | None, *, adopted: bool) -> Learnt | None:
        """Return what *real_id* tells of the person that *record* registers; None where it registers nobody."""
        if record.issues is None or real_id is None:
            return None
        return Learnt(record.issues, real_id, self.rekey, adopted)

    def rekey(self, record: Record, real_of: RealOf) -> Rekeyed | None:
        """Key *record* by what is known now; None where the profile has its route no longer. Pure: it runs on the journal's thread."""
        route = self.profile.route(record.route)
        if route is None:
            return None
        real_ids = {text: real for text in slots_in(route, record.target, record.body) if (real := real_of(text)) is not None}
        target, body = translated(route, record.target, record.body, real_ids)
        facts = facts_of(route, self.view(record, target, body))
        own = () if record.issues is None else (real_of(record.issues) or record.issues,)
        return Rekeyed(self.lanes(facts, own), self.natural_key(route, facts), self.content(facts))

    def lanes(self, facts: Facts, more: tuple[str, ...] = ()) -> tuple[bytes, ...]:
        """Return the lanes of a request, and of *more* persons, as the journal keeps them."""
        return tuple(self.journal.lane_hash(lane) for lane in (*facts.lanes, *more))

    def topics(self, route: Route, view: Mapping[str, Any]) -> tuple[bytes, ...]:
        """Return by what a look-up finds a record, as the journal keeps it; *view* is its request as the client sent it."""
        return tuple(self.journal.topic(text) for text in topics(self.profile.profile, route.name, view))

    def natural_key(self, route: Route, facts: Facts) -> bytes | None:
        """Return the natural key as the journal keeps it; None on a route without one."""
        return None if facts.natural_key is None else self.journal.lane_hash(f"fact\0{route.name}\0{facts.natural_key}")

    def content(self, facts: Facts) -> bytes:
        """Return the content as the journal keeps it."""
        return self.journal.lane_hash(f"content\0{facts.content}")

    def view(self, record: Record, target: str, body: bytes) -> dict[str, Any]:
        """Return a record's request, as it would go up, as the profile's expressions see it."""
        path, _, query = target.partition("?")
        inner = without_prefix(path, self.prefix)
        match = None if inner is None else self.profile.routes.match(record.method, inner)
        return request_view(match.params if match else {}, record.method, query, from_block(record.headers), orjson.loads(body))

    def _misplaced(self, found: frozenset[str], route: Route, target: str, headers: bytes, body: bytes) -> bool:
        there, content = translated(route, target, body, dict.fromkeys(slots_in(route, target, body) & found, IN_PLACE))
        return bool(self._ours(there.encode(), headers, content))

    def _ours(self, *parts: bytes) -> frozenset[str]:
        form: Provisional | None = self.profile.profile.provisional
        if form is None:
            return frozenset()
        return find_provisional(b"\n".join(parts), form, self.centre_number)


def persons_of(settings: Settings, profile: ActiveProfile, journal: Journal) -> Persons:
    """Return who is known to the centre of *settings*; where its number is not configured, one made from the journal's identity."""
    number = settings.centre.number or int.from_bytes(journal.installation_id[:4]) % 999_999 + 1
    return Persons(profile, journal, urlsplit(settings.upstream.url).path.rstrip("/"), number)
