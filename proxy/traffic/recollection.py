"""What is remembered of one question: found again for whoever may have it, learnt from what the upstream says (RFC 9111)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from proxy.profiles.model import Route
from proxy.rules import cache
from proxy.rules.cache import Stored
from proxy.rules.fields import from_block, overlaid, to_block
from proxy.rules.outcome import Outcome, OutcomeKind, classify, classify_head
from proxy.rules.stamps import Stamp
from proxy.rules.wire import Answer, Fields, first
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Caller, Credentials
from proxy.traffic.memory import Memory
from store.remembered import Remembered


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One question.

    `target` is raw path and query as they go up, with real ids; `fields` are without credential, `view` is what the profile's expressions
    see of it, `question` the keyed hash under which its answer is remembered.
    """

    request: web.Request
    route: Route
    target: str
    fields: Fields
    caller: Caller
    view: dict[str, Any]
    question: bytes
    deadline: float


@dataclass(frozen=True, slots=True)
class Recollection:
    """Learns and recalls; `max_stale_s` is `reads.max_stale`."""

    profile: ActiveProfile
    credentials: Credentials
    memory: Memory
    clock: Clock
    max_stale_s: float

    async def held(self, asked: Asked) -> Stored | None:
        """Return the remembered answer that a conditional request may be asked with, so that the upstream need not send it again."""
        if asked.request.method != "GET" or first(asked.fields, b"if-none-match") is None:
            return None
        stored = await self.stored(asked)
        return stored if stored is not None and cache.not_modified(asked.fields, stored.answer) else None

    async def stored(self, asked: Asked) -> Stored | None:
        """Return what is remembered of a question, as far as whoever asks may have it and it is not too old."""
        now = self.clock.stamp()
        for kept in await self.memory.recall(asked.question):
            if kept.variant == self._variant(asked, tuple(kept.vary.split())):
                answer = Answer(kept.status, kept.reason, from_block(kept.headers), kept.body)
                stored = Stored(answer, Stamp(kept.fetched_at, kept.fetched_boot, kept.fetched_boot_s), kept.age_s)
                return stored if stored.age_s(now) <= self._max_stale_s(asked.route) else None
        return None

    async def learn(self, asked: Asked, came: Answer, at: Stamp, held: Stored | None) -> None:
        """Remember an answer, or forget the one before where the upstream now says that there is none."""
        if came.status == HTTPStatus.NOT_MODIFIED and held is not None:
            came = refreshed(held, came)
        kind = self.outcome(asked, came).kind
        if kind is OutcomeKind.ACCEPTED and cache.may_be_remembered(asked.route, asked.fields, came):
            self._remember(asked, came, at)
        elif kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED):
            await self.memory.forget(asked.question)

    def _remember(self, asked: Asked, came: Answer, at: Stamp) -> None:
        names = cache.vary(came) or ()
        age_s, left_s = cache.initial_age_s(came), self._max_stale_s(asked.route)
        if left_s <= age_s:
            return
        kept = Remembered(
            question=asked.question,
            variant=self._variant(asked, names),
            vary=" ".join(names),
            status=came.status,
            reason=came.reason,
            headers=to_block(cache.to_keep(came, self.credentials.names)),
            body=came.body,
            age_s=age_s,
            fetched_at=at.wall,
            fetched_boot=at.boot_id,
            fetched_boot_s=at.boot_s,
            expires_at=at.wall + int((left_s - age_s) * 1000),
        )
        self.memory.remember(kept)

    def outcome(self, asked: Asked, answer: Answer) -> Outcome:
        """Return what an answer means by the profile's word: only what is accepted is data."""
        if asked.request.method == "HEAD":
            return health_of(answer)
        return classify(answer, self.profile.profile.answers_of(asked.route), self.profile.code_member, self.clock.aware())

    def _variant(self, asked: Asked, names: tuple[str, ...]) -> bytes:
        held = asked.caller.held
        return self.memory.journal.lane_hash("variant\0" + cache.variant(asked.fields + (() if held is None else held.fields), names))

    def _max_stale_s(self, route: Route) -> float:
        return self.max_stale_s if route.remember.max_stale is None else route.remember.max_stale


def health_of(answer: Answer) -> Outcome:
    """
    Return what an answer says of the upstream's health, as on a pass route.

    Not by the profile's `accepted`: one that is too strict about a read must not open the circuit of the records.
    """
    return classify_head(answer.status, first(answer.fields, b"content-type") or "", described=True)


def refreshed(held: Stored, came: Answer) -> Answer:
    """Return the answer that a 304 says is still true, with the fields that it brought (RFC 9111 §4.3.4)."""
    return replace(held.answer, fields=overlaid(held.answer.fields, cache.refreshing(came)))
