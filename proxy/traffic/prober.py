"""Asks the upstream whether it is there: more often while it is suspect, less and less the longer it is away."""

from __future__ import annotations

import random
from dataclasses import dataclass

from proxy.profiles.model import Probe
from proxy.rules.circuit import Phase, Sign, retry_left_s
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import classify
from proxy.rules.probing import idle_left_s, next_probe_in_s
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Credentials
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Wake
from proxy.traffic.upstream import Outgoing, Upstream


@dataclass(slots=True)
class Prober:
    """Probes one group of routes."""

    group: str
    probe: Probe
    profile: ActiveProfile
    upstream: Upstream
    circuits: Circuits
    credentials: Credentials
    budget: Budget
    meters: Meters
    clock: Clock
    watch: ClockWatch
    wake: Wake
    within_s: float
    _waited_s: float = 0.0

    async def step(self) -> float:
        """Probe, unless calls have shown of late that the upstream is up; return seconds until the next probe."""
        if (early_s := self._too_early_s()) > 0:
            return early_s
        if (wait_s := self.budget.probe()) > 0:
            return wait_s
        await self._ask()
        self._waited_s = self._next_s()
        return self._waited_s

    def _too_early_s(self) -> float:
        watched, now = self.circuits.watched(self.group), self.clock.monotonic()
        if watched.circuit.phase is Phase.CLOSED:
            return idle_left_s(watched.circuit, now, watched.policy)
        return retry_left_s(watched.circuit, now)

    async def _ask(self) -> None:
        permit = self.circuits.probing(self.group)
        outgoing = Outgoing(self.probe.method, self.upstream.prefix + self.probe.path, self.credentials.own.fields())
        asked_s = self.clock.monotonic()
        exchange = await self.upstream.ask(outgoing, self.within_s)
        outcome = classify(exchange, self.profile.answers, self.profile.code_member, self.clock.aware())
        self.watch.hear(exchange, outcome.kind, asked_s)
        self.circuits.observe_probe(permit, outcome)
        if self.credentials.own.configured:
            self.credentials.own.judged(outcome.kind, "probe")
        self.meters.probe_success.set(sign_of(outcome.kind) in (Sign.GOOD, Sign.AUTH))

    def _next_s(self) -> float:
        watched = self.circuits.watched(self.group)
        draw = random.random()  # noqa: S311 - spreads probes, keeps no secret
        return next_probe_in_s(watched.circuit, self.clock.monotonic(), self._waited_s, draw, watched.policy)
