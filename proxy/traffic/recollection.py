"""What is remembered of one question: found again for whoever may have it, learnt from what the upstream says (RFC 9111)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final

from proxy.profiles.model import Route
from proxy.rules import cache
from proxy.rules.admission import request_view
from proxy.rules.cache import Stored
from proxy.rules.fields import overlaid, readable_codings, to_block
from proxy.rules.outcome import Outcome, OutcomeKind, classify, classify_head
from proxy.rules.routes import Match
from proxy.rules.slots import translated
from proxy.rules.stamps import Stamp, age_s
from proxy.rules.wire import Answer, Fields, first
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.at_hand import AtHand
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Caller, Credentials
from proxy.traffic.memory import KEPT_AT_ONCE, Memory
from proxy.traffic.persons import Known
from store.remembered import Kept, Remembered

ASKED_MAX: Final = 1024
"""Questions that are known as they were asked: what the desks of a centre ask in an hour, and again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One question.

    `target` is raw path and query as they go up, with real ids, `params` those of its path; `fields` are without credential; `question` is
    the keyed hash under which its answer is remembered: it has in it who may have that.
    """

    method: str
    route: Route
    target: str
    params: Mapping[str, str]
    fields: Fields
    caller: Caller
    question: bytes

    def view(self) -> dict[str, Any]:
        """Return what the profile's expressions see of it; a HEAD asks what a GET does."""
        return request_view(self.params, "GET", self.target.partition("?")[2], self.fields, None)


@dataclass(frozen=True, slots=True)
class Recollection:
    """Learns and recalls; `max_stale_s` is `reads.max_stale`."""

    profile: ActiveProfile
    credentials: Credentials
    memory: Memory
    clock: Clock
    max_stale_s: float
    _asked: dict[tuple[str, str, Fields, bytes | None], Asked] = field(default_factory=dict, repr=False)

    def asked_again(self, method: str, match: Match, target: str, caller: Caller) -> Asked | None:
        """Return the question of a request that was asked before by the same caller, in the same words, and is about nobody of ours."""
        asked = self._asked.get((method, target, caller.fields, caller.principal))
        return asked if asked is not None and asked.route is match.route and asked.caller == caller else None

    def keep_asked(self, asked: Asked) -> None:
        """Know a question again that is about nobody of ours, as whoever resolved its ids found; a stranger's fills no memory."""
        if asked.caller.ground is None:
            return
        self._asked[asked.method, asked.target, asked.caller.fields, asked.caller.principal] = asked
        if len(self._asked) > ASKED_MAX:
            del self._asked[next(iter(self._asked))]

    def asked(self, method: str, match: Match, target: str, caller: Caller, known: Known) -> Asked:
        """Return the question of a request on a read route: *target* raw, as it came."""
        route, fields = match.route, readable_codings(caller.fields)
        there, _ = translated(route, target, b"", known.real_ids)
        path, _, query = there.partition("?")
        declared = {name: first(fields, name.encode()) for name in route.remember.headers}
        whose = route.shared or (caller.principal or b"").hex()
        in_path = {name: known.real_ids.get(text.strip(), text) for name, text in match.params.items()}
        question = self.memory.journal.lane_hash("read\0" + cache.question(path, query, declared, whose))
        return Asked(method, route, there, in_path, fields, caller, question)

    async def held(self, asked: Asked) -> Stored | None:
        """Return the remembered answer that a conditional request may be asked with, so that the upstream need not send it again."""
        if asked.method != "GET" or first(asked.fields, b"if-none-match") is None:
            return None
        stored = await self.stored(asked)
        return stored if stored is not None and cache.not_modified(asked.fields, stored.answer) else None

    async def stored(self, asked: Asked) -> Stored | None:
        """Return what is remembered of a question, as far as whoever asks may have it and it is not too old."""
        found = await self.at_hand(asked)
        return None if found is None else found.stored

    async def at_hand(self, asked: Asked) -> AtHand | None:
        """Return the same, ready to be given."""
        for found in await self.memory.recall(asked.question):
            if found.kept.variant == self._variant(asked, found.vary):
                return found if found.stored.age_s(self.clock.stamp()) <= self.lasts_s(asked.route) else None
        return None

    async def ages_s(self, questions: Sequence[Asked]) -> list[float | None]:
        """Return how old what is remembered of each question is, in seconds; None where there is nothing that would be given."""
        ages_s: list[float | None] = []
        for start in range(0, len(questions), KEPT_AT_ONCE):
            some = questions[start : start + KEPT_AT_ONCE]
            kept, now = await self.memory.kept(frozenset(asked.question for asked in some)), self.clock.stamp()
            ages_s += [self._age_s(asked, kept.get(asked.question, ()), now) for asked in some]
        return ages_s

    def _age_s(self, asked: Asked, kept: Sequence[Kept], now: Stamp) -> float | None:
        fitting = (each for each in kept if each.variant == self._variant(asked, tuple(each.vary.split())))
        ages_s = [each.age_s + age_s(Stamp(each.fetched_at, each.fetched_boot, each.fetched_boot_s), now) for each in fitting]
        return min((each for each in ages_s if each <= self.lasts_s(asked.route)), default=None)

    async def learn(self, asked: Asked, came: Answer, kind: OutcomeKind, at: Stamp, held: Stored | None) -> bool:
        """Remember an answer, or forget the one before where the upstream now says that there is none; return whether it is remembered."""
        if came.status == HTTPStatus.NOT_MODIFIED and held is not None:
            came = refreshed(held, came)
            kind = self.outcome(asked, came).kind
        if kind is OutcomeKind.ACCEPTED and cache.may_be_remembered(asked.route, asked.fields, came):
            return self._remember(asked, came, at)
        if kind in (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED):
            await self.memory.forget(asked.question)
        return False

    def _remember(self, asked: Asked, came: Answer, at: Stamp) -> bool:
        names = cache.vary(came) or ()
        come_s, left_s = cache.initial_age_s(came), self.lasts_s(asked.route)
        if left_s <= come_s:
            return False
        kept = Remembered(
            question=asked.question,
            variant=self._variant(asked, names),
            vary=" ".join(names),
            status=came.status,
            reason=came.reason,
            headers=to_block(cache.to_keep(came, self.credentials.names)),
            body=came.body,
            age_s=come_s,
            fetched_at=at.wall,
            fetched_boot=at.boot_id,
            fetched_boot_s=at.boot_s,
            expires_at=at.wall + int((left_s - come_s) * 1000),
        )
        self.memory.remember(kept)
        return True

    def outcome(self, asked: Asked, answer: Answer) -> Outcome:
        """Return what an answer means by the profile's word: only what is accepted is data."""
        if asked.method == "HEAD":
            return health_of(answer)
        return classify(answer, self.profile.profile.answers_of(asked.route), self.profile.code_member, self.clock.aware())

    def _variant(self, asked: Asked, names: tuple[str, ...]) -> bytes:
        if not names:
            return self.memory.only_variant
        held = asked.caller.held
        return self.memory.journal.lane_hash("variant\0" + cache.variant(asked.fields + (() if held is None else held.fields), names))

    def lasts_s(self, route: Route) -> float:
        """Return how old an answer on *route* may be that is given, in seconds."""
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
