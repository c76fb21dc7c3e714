"""What this centre has recorded and the server does not show yet, laid over its answers, remembered or live (DESIGN §7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from proxy.profiles.model import Overlay, Route
from proxy.rules.cache import without_validators
from proxy.rules.outcome import view_of
from proxy.rules.overlay import Laid, Write, asked_about, lay_over, shown_in
from proxy.rules.slots import translated
from proxy.rules.wire import Answer, Fields
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.apart import LARGE, apart
from proxy.traffic.at_hand import AtHand
from proxy.traffic.persons import Persons
from store.journal import Journal
from store.records import Record

LAID_OVER: Final = b"Dosekeeper-Overlay"
"""On an answer of which a part is ours: the numbers of the records."""

ROUNDS_MAX: Final = 4
"""Who is added by a record can have records of their own, and so on; a registration and its doses are two rounds."""

NOTHING_KNOWN: Final[Fields] = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"))


@dataclass(frozen=True, slots=True)
class Whose:
    """
    Whose records are laid over: everybody's here, or only those of `principal`, where nobody vouches for who asks.

    `before`: only those with a lower number.
    """

    everybody: bool
    principal: bytes | None = None
    before: int | None = None

    def has(self, record: Record) -> bool:
        """Whether *record* is one of them."""
        return (self.everybody or record.principal == self.principal) and (self.before is None or record.number < self.before)


@dataclass(frozen=True, slots=True)
class OwnWrites:
    """Lays records over answers."""

    profile: ActiveProfile
    journal: Journal
    persons: Persons

    async def over(self, route: Route, asked: Mapping[str, Any], answer: Answer | None, fetched_at: int, whose: Whose) -> Answer | None:
        """
        Return *answer* with what the server does not show yet laid over it; None where nothing is.

        Args:
            route: A read route.
            asked: The question, as `request_view` shows it, with real ids.
            answer: The server's, or None: then what would be there if only our own records were.
            fetched_at: When it was asked for, wall-clock milliseconds UTC.
            whose: Whose records count.
        """
        overlay = self.profile.overlay_of(route)
        if overlay is None:
            return None
        view = None if answer is None else await apart(len(answer.body), view_of, answer)
        body = self._body(overlay, view)
        laid = None if body is None else await self._laid(overlay, asked, body, fetched_at, whose)
        if laid is None:
            return None
        said = view is not None and body is view["body"]
        fields = without_validators(answer.fields) if answer is not None and said else NOTHING_KNOWN
        numbers = ", ".join(map(str, laid.numbers)).encode()
        return Answer(HTTPStatus.OK, "OK", (*fields, (LAID_OVER, numbers)), await apart(len(laid.body), orjson.dumps, laid.body))

    def may_change(self, route: Route, asked: Callable[[], Mapping[str, Any]], found: AtHand) -> bool:
        """Whether there may be a record of ours that changes a remembered answer to what is *asked*; False is certain."""
        overlay = self.profile.overlay_of(route)
        if overlay is None:
            return False
        if len(found.stored.answer.body) > LARGE or "headers" in overlay.about.roots:
            return True  # it would keep others waiting, or is not told by the question alone

        def worked_out(answer: Answer) -> frozenset[bytes]:
            body = self._body(overlay, view_of(answer))
            return frozenset(map(self.journal.topic, {*asked_about(overlay, asked()), *shown_in(overlay, body)}))

        return self.journal.any_on(found.topics(overlay, worked_out))

    def _body(self, overlay: Overlay, view: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - any JSON
        """Return what is laid over: the answer's body, or that of an answer in which there is nobody."""
        if view is None or (overlay.none is not None and overlay.none.holds(view)):
            return overlay.empty.search({})
        return view["body"] if view["status"] == HTTPStatus.OK else None

    async def _laid(self, overlay: Overlay, asked: Mapping[str, Any], body: object, fetched_at: int, whose: Whose) -> Laid | None:
        texts = frozenset(asked_about(overlay, asked)) | frozenset(shown_in(overlay, body))
        laid: Laid | None = None
        for _ in range(ROUNDS_MAX):
            # An answer fetched before the delivery, or too soon after it, need not show the record.
            found = await self.journal.records_on(texts, fetched_at - int(overlay.read_lag * 1000))
            writes = await self._writes([record for record in found if whose.has(record)])
            laid = lay_over(overlay, asked, body, writes)
            more = frozenset() if laid is None else frozenset(shown_in(overlay, laid.body)) - texts
            if not more:
                break
            texts |= more
        return laid

    async def _writes(self, records: Sequence[Record]) -> list[Write]:
        return [write for record in records if (write := await self._write(record)) is not None]

    async def _write(self, record: Record) -> Write | None:
        route = self.profile.route(record.route)
        if route is None:
            return None
        known = await self.persons.resolve(route, record.target, record.headers, record.body)
        real_ids = {} if known is None else known.real_ids
        target, body = translated(route, record.target, record.body, real_ids)
        return Write(record.number, record.route, self.persons.view(record, target, body), await self._person(record.issues))

    async def _person(self, issued: str | None) -> str | None:
        if issued is None:
            return None
        known = (await self.journal.identities([issued])).get(issued)
        return issued if known is None else known.real or issued
