"""
Whose credential goes with a send, and who may have something recorded. Credentials live in memory only.

A token's claims say whose it *may* be. So they choose among the clients' credentials, and a stranger who makes some up gains nothing by
it: only one that the server took, or whose signature is good, is remembered for others' records or trusted in an outage; and what is
recorded while nobody vouches goes up with that very credential only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from aiohttp import web

from proxy.profiles.model import Credentials as Named
from proxy.rules.client_keys import FIELD as CLIENT_KEY
from proxy.rules.fields import overlaid
from proxy.rules.heads import head
from proxy.rules.loopback import Seat
from proxy.rules.outcome import OutcomeKind
from proxy.rules.tokens import claims_of, ends_at, signed_part, token_in
from proxy.rules.trust import Ground, Rules, Shown, ground, may_use_own
from proxy.rules.wire import Fields
from proxy.traffic.acceptances import Acceptances
from proxy.traffic.client_keys import ClientKeys
from proxy.traffic.latest import Latest
from proxy.traffic.own_credential import OwnCredential
from proxy.traffic.token_keys import TokenKeys
from store.journal import Journal

PRINCIPALS_MAX: Final = 256
"""Clients whose latest credential is remembered: a morning's log-ins of a large centre. A stranger with made-up ones fills no memory."""

TAKEN: Final = frozenset({OutcomeKind.ACCEPTED, OutcomeKind.ALREADY_RECORDED})
"""Outcomes of a record's send that show that the server knows who sent it."""

Hash = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Held:
    """
    A client's credential.

    `principal`, `same`, `mark` and `token` are keyed hashes: whom it stands for, what lets it send others' records, which one it is, and
    which token is in it (None: none). `ends_at` is when it is over by its own word, wall-clock milliseconds UTC.
    """

    principal: bytes
    same: bytes | None
    mark: bytes
    token: bytes | None
    ends_at: int | None
    fields: Fields = field(repr=False)

    @property
    def exactly(self) -> bytes:
        """Whose a record is that was made with it while nobody vouched for it: the name that it claims counts for this very one only."""
        return self.mark + self.principal


@dataclass(frozen=True, slots=True)
class Caller:
    """
    Who made a request.

    `principal` is who it is, by its own word; None where what it records goes up with the sidecar's own credential alone. `ground` is why
    the caller is trusted, None for one whom only the server could vouch for; `stranger`: it may not even be asked.
    """

    fields: Fields = field(repr=False)
    principal: bytes | None
    held: Held | None
    ground: Ground | None
    stranger: bool = False

    @property
    def recorder(self) -> bytes | None:
        """Who is recorded with what it records. Where nobody vouches only this very credential may send it: anybody can claim a name."""
        return self.principal if self.ground is not None or self.held is None else self.held.exactly

    @property
    def same(self) -> bytes | None:
        """What lets another's credential send what is recorded."""
        return None if self.ground is None or self.held is None else self.held.same

    def claims(self, recorder: bytes | None) -> bool:
        """Whether a record of *recorder* was made by somebody of the name that this one claims."""
        return recorder is not None and self.principal is not None and recorder.endswith(self.principal)


@dataclass(slots=True)
class Credentials:
    """
    The sidecar's own credential and the clients'.

    `wall` is the best that is known of the time (milliseconds UTC): by a clock that is an hour ahead every token would be over.
    `origins` are those of pages that the operator has named; `in_auth_outage` says that the server refuses what it took before.
    """

    named: Named
    own: OwnCredential
    keys: TokenKeys
    client_keys: ClientKeys
    acceptances: Acceptances
    rules: Rules
    hashed: Hash
    wall: Callable[[], int]
    origins: frozenset[str] = frozenset()
    in_auth_outage: Callable[[], bool] = lambda: False
    bells: list[Callable[[], None]] = field(default_factory=list)
    _proved: dict[bytes, Held] = field(default_factory=dict)
    _offered: dict[bytes, Held] = field(default_factory=dict)
    _same: dict[bytes, bytes] = field(default_factory=dict)
    _vouched: Latest[bytes, bytes] = field(default_factory=Latest)
    """Of what was made while nobody vouched: who that is trusted has said the same since, and has a receipt for it."""
    names: frozenset[bytes] = field(init=False)
    """The credential fields, lower case."""

    def __post_init__(self) -> None:
        """Take the names together: they stay as long as the process."""
        self.names = frozenset(name.encode() for name in self.named.headers) | self.own.names

    async def load(self, journal: Journal) -> None:
        """Know again what the process before this one knew: whom the server took, who stands in for whom, which keys sign."""
        self._same.update(await journal.stand_ins())
        await self.acceptances.load()
        await self.keys.load()

    def caller(self, request: web.BaseRequest) -> Caller:
        """Return who made *request*, and remember a credential that may be of use to what waits."""
        whole = tuple(request.raw_headers)
        parts = head(request.remote or "", whole, self.names, self.origins)
        fields, credential = parts.fields, parts.credential
        key = request.headers.get(CLIENT_KEY)
        if key is None and not credential:
            return _unnamed(fields, parts.seat, self.rules, same_key=self.own.brought_by(whole))
        token = token_in(credential, self.named.token)
        genuine = self.keys.genuine(token)
        held = self._held(fields, credential, claims_of(token) if genuine is None else genuine)
        client = self.client_keys.name_of(key)
        shown = self._shown(parts.seat, whole, held, genuine, client)
        why = ground(shown, self.rules)
        stranger = not may_use_own(why, shown, self.rules)
        principal = None if held is None else held.principal
        # A desk without a log-in is somebody all the same: what it records waits for the next log-in at that desk.
        at_desk = None if client is None else self.hashed(f"client\0{client}")
        if held is not None and not stranger:
            for whom in (held.principal, at_desk):
                self._remember(whom, held, why)
        elif at_desk is not None and not self.own.configured:
            principal = at_desk
        return Caller(fields, principal, held, why, stranger)

    def known(self) -> tuple[bytes, ...]:
        """Return the principals for whom a credential is at hand, their own or a stand-in's."""
        live = [held for held in self._proved.values() if self._lives(held)]
        same = {held.same for held in live if held.same is not None}
        stood_in = (principal for principal, its in self._same.items() if its in same)
        offered = (principal for principal, held in self._offered.items() if self._lives(held))
        proved = (principal for principal, held in self._proved.items() if self._lives(held))
        exactly = (held.exactly for held in self._at_hand() if self._lives(held))
        vouched = (recorder for recorder, who in self._vouched.items() if self.held_for(who) is not None)
        return tuple(dict.fromkeys((*proved, *offered, *stood_in, *exactly, *vouched)))

    def held_for(self, principal: bytes | None) -> Held | None:
        """Return the client's credential for a record of *principal*; None where none is at hand, or none is needed."""
        if principal is None:
            return None
        for at_hand in (self._proved.get, self._stand_in, self._voucher, self._offered.get, self._exact):
            held = at_hand(principal)
            if held is not None and self._lives(held):
                return held
        return None

    def vouch(self, recorder: bytes | None, caller: Caller) -> None:
        """Let what *recorder* made while nobody vouched go up for the *caller*, who is trusted and says the same."""
        if caller.ground is None or recorder is None or caller.principal is None or len(recorder) == len(caller.principal):
            return
        self._vouched.note(recorder, caller.principal)
        for bell in self.bells:
            bell()

    def fields_with(self, held: Held | None) -> Fields:
        """Return the credential fields of a send that goes up with *held*: the sidecar's own go before a client's of the same name."""
        return overlaid(() if held is None else held.fields, self.own.fields())

    def stands_alone(self, principal: bytes | None) -> bool:
        """Whether a send for *principal* goes up with nothing but the sidecar's own credential."""
        return principal is None and self.own.configured

    def judged(self, held: Held | None, outcome: OutcomeKind, lane: bytes | None, *, shows: bool = True) -> bytes | None:
        """
        Take what a call's outcome says of the credential that it went with.

        Args:
            held: The client's, None where it went with the sidecar's own alone.
            outcome: What it came to.
            lane: Whom it was about.
            shows: Whether the server answers nobody on that route without a good credential.

        Returns:
            Whose credential, taken until now, is refused; None where that is not what it says.
        """
        if outcome in TAKEN and shows:
            self._taken(held)
        if outcome is not OutcomeKind.AUTH:
            return None
        if held is not None:
            return self._refused(held)
        if not self.own.configured:
            return None
        self.own.judged(outcome, "call")
        return lane

    def _taken(self, held: Held | None) -> None:
        if self.own.configured:
            self.own.judged(OutcomeKind.ACCEPTED, "call")
        if held is not None:
            self.acceptances.accepted(held.mark)
            if held.token is not None and self.acceptances.is_refused(held.token):
                self.acceptances.accepted(held.token)
            self._remember(held.principal, held, Ground.ACCEPTED)

    def _refused(self, held: Held) -> bytes | None:
        for among in (self._proved, self._offered):
            for principal in [principal for principal, other in among.items() if other.mark == held.mark]:
                del among[principal]
        age_s = self.acceptances.age_s(held.mark)
        was_good = age_s is not None and age_s <= self.rules.trust_for_s and not self._over(held)
        if age_s is not None:
            self.acceptances.refused(held.mark)
        # A signature vouches for the token, whatever comes beside it: so it is the token that is refused. Strangers' made-up ones, which
        # would be without end, nobody trusts anyway.
        if held.token is not None and self.keys.genuine(token_in(held.fields, self.named.token)) is not None:
            self.acceptances.refused(held.token)
        return held.principal if was_good else None

    def _held(self, fields: Fields, credential: Fields, claims: Mapping[str, Any]) -> Held | None:
        theirs = tuple((n, v) for n, v in credential if n.lower() not in self.own.names)
        if not theirs:
            return None
        exact = "\0".join(f"{n.decode('latin-1').lower()}={v.decode('latin-1')}" for n, v in theirs)
        headers = {n.lower().decode("latin-1"): v.decode("latin-1") for n, v in (*fields, *theirs)}
        view = {"claims": claims, "headers": headers}
        same = self._text(self.named.same, view)
        who = self._text(self.named.principal, view)
        # With what lets others stand in: whoever moves to another facility is not the one who recorded there.
        principal = f"principal\0{exact}" if who is None else f"principal\0{who}\0{same or ''}"
        held_same = None if same is None else self.hashed(f"same\0{same}")
        token = token_in(theirs, self.named.token)
        held_token = None if token is None else self.hashed(f"token\0{signed_part(token)}")
        return Held(self.hashed(principal), held_same, self.hashed(f"credential\0{exact}"), held_token, ends_at(claims), theirs)

    def _is_refused(self, held: Held) -> bool:
        return any(self.acceptances.is_refused(mark) for mark in (held.mark, held.token) if mark is not None)

    @staticmethod
    def _text(expression: Any, view: Mapping[str, Any]) -> str | None:  # noqa: ANN401 - the profile's expression, or None
        found = None if expression is None else expression.search(view)
        usable = isinstance(found, str | int) and not isinstance(found, bool) and found != ""
        return str(found) if usable else None

    def _shown(self, where: Seat, whole: Fields, held: Held | None, genuine: Mapping[str, Any] | None, client: str | None) -> Shown:
        sent_away = held is not None and self._is_refused(held) and not self.in_auth_outage()
        over_at = None if genuine is None or sent_away else ends_at(genuine)
        return Shown(
            accepted_s=None if held is None or sent_away else self.acceptances.age_s(held.mark),
            signed_over_s=None if over_at is None else (self.wall() - over_at) / 1000,
            client_key=client is not None,
            same_key=self.own.brought_by(whole),
            seat=where,
        )

    def _remember(self, principal: bytes | None, held: Held, why: Ground | None) -> None:
        """Keep *held* for what waits for *principal*: among the proved ones, or (a new log-in's, perhaps) where there is none of these."""
        refused = self._is_refused(held)
        if principal is None or not self._lives(held) or (refused and not self.in_auth_outage()):
            return
        if why is not None and held.same is not None:
            self._same[principal] = held.same
        among = self._proved if why in (Ground.ACCEPTED, Ground.SIGNED) and not refused else self._offered
        news = among.get(principal) != held
        among.pop(principal, None)
        among[principal] = held
        if len(among) > PRINCIPALS_MAX:
            del among[next(iter(among))]
        if news:
            for bell in self.bells:
                bell()

    def _stand_in(self, principal: bytes) -> Held | None:
        same = self._same.get(principal)
        fitting = (held for held in reversed(self._proved.values()) if held.same == same and self._lives(held))
        return None if same is None else next(fitting, None)

    def _voucher(self, recorder: bytes) -> Held | None:
        return self.held_for(self._vouched.get(recorder))

    def _exact(self, recorder: bytes) -> Held | None:
        return next((held for held in self._at_hand() if held.exactly == recorder), None)

    def _at_hand(self) -> Iterator[Held]:
        return chain(self._proved.values(), self._offered.values())

    def _lives(self, held: Held) -> bool:
        return not self._over(held)

    def _over(self, held: Held) -> bool:
        return held.ends_at is not None and held.ends_at <= self.wall()


@lru_cache(256)
def _unnamed(fields: Fields, where: Seat, rules: Rules, *, same_key: bool) -> Caller:
    """Return who makes a request that says nothing of who it is."""
    shown = Shown(same_key=same_key, seat=where)
    why = ground(shown, rules)
    return Caller(fields, None, None, why, stranger=not may_use_own(why, shown, rules))
