"""One question on a read route put to the upstream: what it comes to is evidence, and what is worth it is remembered."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.rules import cache
from proxy.rules.cache import Stored
from proxy.rules.fields import overlaid
from proxy.rules.outcome import Outcome, failed
from proxy.rules.wire import Answer, Failure, first
from proxy.traffic.circuits import Circuits, Permit
from proxy.traffic.credentials import Credentials
from proxy.traffic.fetching import Fetch, TooLong
from proxy.traffic.meters import Meters
from proxy.traffic.pass_route import PassRoute
from proxy.traffic.recollection import Asked, Recollection, health_of
from proxy.traffic.upstream import Outgoing, Upstream


@dataclass(frozen=True, slots=True)
class Came:
    """What a question came to: what its answer says of the upstream's health, and whether it is remembered."""

    health: Outcome
    remembered: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks for whoever looks something up, and for the warm-up."""

    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    recollection: Recollection
    passing: PassRoute
    meters: Meters

    async def ask(self, asked: Asked, fetch: Fetch, permit: Permit, held: Stored | None = None) -> Came:
        """
        Ask; the answer itself is handed over by *fetch*, before it is remembered.

        Args:
            asked: The question.
            fetch: Under way from now on.
            permit: Given back here.
            held: What is remembered, where an answer may say that it is still true.
        """
        try:
            fields = asked.fields if asked.method == "HEAD" else cache.for_the_whole(asked.fields)
            if held is not None and (tag := first(held.answer.fields, b"etag")) is not None:
                fields += ((b"If-None-Match", tag.encode("latin-1")),)
            outgoing = Outgoing(asked.method, asked.target, overlaid(fields, self.credentials.fields_with(asked.caller.held)))
            came = await fetch.run(self.upstream, outgoing)
            head = came.head if isinstance(came, TooLong) else came
            if isinstance(came, Answer):
                fetch.meant = self.recollection.outcome(asked, came).kind
            outcome = failed(head) if isinstance(head, Failure) else health_of(head)
            self.circuits.observe(permit, outcome)
            self.passing.judge(asked.caller, outcome, asked.route)
            self.meters.upstream_requests.labels(outcome.kind.value).inc()
        finally:
            self.circuits.unused(permit)
        if isinstance(came, Answer) and asked.method == "GET" and fetch.meant is not None:
            return Came(outcome, await self.recollection.learn(asked, came, fetch.meant, fetch.at, held))
        return Came(outcome, remembered=False)
