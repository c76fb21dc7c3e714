"""
The circuits of all groups of routes, held against the clock: who may call, and what each call's outcome does to them.

The decisions are `proxy.rules.circuit`'s; here they meet time, the operator's hold and the bells of those who wait for a change.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from proxy.rules.backoff import throttled_s
from proxy.rules.circuit import (
    AUTH_CAUSE,
    GOOD_PROBES,
    Admit,
    Circuit,
    Downtime,
    Evidence,
    Phase,
    Policy,
    Sign,
    admits,
    admits_canary,
    observe,
    release,
    retry_left_s,
    settle_idle,
    take,
    trouble_s,
)
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.wire import FailureKind
from proxy.traffic.clock import Clock

log = logging.getLogger(__name__)

Paced = Callable[[str, float, float], None]
"""Is told of each call: its group, when it was asked and when it ended, boot seconds."""

StartDelay = Callable[[float, float | None], float]
"""From the length of an outage and the upstream's Retry-After, both seconds, the wait until this centre's start slot."""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call. It goes back by `observe` or `unused`; `single` says that it is a half-open circuit's only one."""

    group: str
    generation: int
    asked_at: float
    lane: bytes | None
    single: bool


@dataclass(slots=True)
class Watched:
    """One group: its circuit, the last outage that ended, when replay's slot begins (boot seconds), after how long a trouble."""

    policy: Policy
    circuit: Circuit
    ended: Downtime | None = None
    taken_by: Permit | None = None
    start_at: float = 0.0
    troubled_s: float = 0.0


TAKEN_S: Final = 0.25
"""After so long it is asked again whether the one permit of a circuit is free."""


class Circuits:
    """One circuit for each group."""

    def __init__(self, policies: Mapping[str, Policy], clock: Clock, start_delay_s: StartDelay) -> None:
        self._clock = clock
        self._start_delay_s = start_delay_s
        self._watched = {group: Watched(policy, Circuit()) for group, policy in policies.items()}
        self._throttled = 0
        self._paused_until = -math.inf
        self.held = False
        self._held_at = 0.0
        self.without_credential = False
        self.bells: list[Callable[[], None]] = []
        self.paced: Paced = lambda _group, _asked_at, _ended_at: None

    def groups(self) -> tuple[str, ...]:
        """Return all groups, in the profile's order."""
        return tuple(self._watched)

    def watched(self, group: str) -> Watched:
        """Return what is known of *group*."""
        return self._watched[group]

    def last_out_s(self, group: str) -> float | None:
        """Return when *group*'s latest outage of this process ended, or had its last failure so far; boot seconds."""
        watched = self._watched[group]
        downtime = watched.circuit.downtime or watched.ended
        return None if downtime is None else downtime.good_since or downtime.last_bad_at

    def resume(self, group: str, circuit: Circuit) -> None:
        """Begin with *circuit*: an outage was running when the process before this one ended."""
        self._watched[group].circuit = circuit

    def hold(self, *, held: bool) -> None:
        """
        Keep records without sending any (an operator's planned maintenance), or end that.

        Its end comes to all centres in the same minute, as that of an outage does: so it has start slots too.
        """
        if self.held and not held:
            now = self._clock.monotonic()
            for watched in self._watched.values():
                self._come_back(watched, now - self._held_at, None, now)
        elif held and not self.held:
            self._held_at = self._clock.monotonic()
        self.held = held
        self._ring()

    def lacking(self, *, credential: bool) -> None:
        """Keep records without sending any while the sidecar has no credential to send them with, or end that."""
        if self.without_credential != credential:
            self.without_credential = credential
            self._ring()

    def auth_outage(self) -> bool:
        """Whether the upstream refuses credentials that it took before."""
        downtimes = (watched.circuit.downtime for watched in self._watched.values())
        return any(downtime is not None and downtime.cause == AUTH_CAUSE for downtime in downtimes)

    def admits(self, group: str) -> bool:
        """Whether a live call would be let through now."""
        watched = self._watched[group]
        return admits(watched.circuit, self._clock.monotonic(), watched.policy) is not Admit.NO

    def slowed(self, groups: Collection[str]) -> bool:
        """Whether one of *groups* is in doubt, or the upstream has asked for a pause."""
        return self._paused() or any(self._watched[group].circuit.phase is Phase.SUSPECT for group in groups)

    def out(self, group: str) -> bool:
        """Whether nothing of *group* goes up until its phase changes, of which the bells tell (without a probe a record is the canary)."""
        watched = self._watched[group]
        return watched.circuit.phase is Phase.OPEN and watched.policy.has_probe

    def closed(self, group: str) -> bool:
        """Whether nothing is wrong with *group*, so that a failure is the record's own."""
        return self._watched[group].circuit.phase is Phase.CLOSED

    def permit(self, group: str, lane: bytes | None = None, *, records: bool = True) -> Permit | None:
        """Return leave for a live call, None where it has none; *records*: it could be kept instead, and waits for hold and throttle."""
        if records and (self.held or self.without_credential or self._paused()):
            return None
        watched, now = self._watched[group], self._clock.monotonic()
        return self._granted(group, lane, admits(watched.circuit, now, watched.policy), now)

    def replay_permit(self, group: str, lane: bytes | None) -> Permit | None:
        """Return leave for a replayed record: as a live call from the start slot on, as the canary of a circuit that is not closed."""
        watched, now = self._watched[group], self._clock.monotonic()
        if not self._replays(watched, now):
            return None
        return self._granted(group, lane, admits(watched.circuit, now, watched.policy), now)

    def _granted(self, group: str, lane: bytes | None, admit: Admit, now: float) -> Permit | None:
        watched = self._watched[group]
        if admit is Admit.NO:
            return None
        permit = Permit(group, watched.circuit.generation, now, lane, admit is Admit.SINGLY)
        if permit.single:
            watched.circuit = take(watched.circuit)
            watched.taken_by = permit
        return permit

    def unused(self, permit: Permit) -> None:
        """Take a permit back that led to no evidence; harmless after `observe`."""
        watched = self._watched[permit.group]
        if watched.taken_by is permit:  # not somebody else's, who took it after us
            watched.circuit = release(watched.circuit, permit.generation)
            watched.taken_by = None

    def observe(self, permit: Permit, outcome: Outcome, revoked: bytes | None = None, sent_s: float | None = None) -> None:
        """
        Take the outcome of a permitted call as evidence.

        Args:
            permit: Its permit, which goes back.
            outcome: What it came to.
            revoked: Whose credential, good until now, it refuses.
            sent_s: Since when the server had it, boot seconds, where that was not at once: our own disk's time is not the server's.
        """
        self.unused(permit)
        self.paced(permit.group, permit.asked_at if sent_s is None else sent_s, self._clock.monotonic())
        self._pace(permit, outcome)
        evidence = self._evidence(permit, outcome, probe=False)
        self._hear(permit.group, evidence if revoked is None else replace(evidence, sign=Sign.REVOKED, lane=revoked))

    def observe_probe(self, permit: Permit, outcome: Outcome) -> None:
        """Take the outcome of a probe as evidence."""
        self.paced(permit.group, permit.asked_at, self._clock.monotonic())
        before = self._watched[permit.group].circuit.good_probes
        self._hear(permit.group, self._evidence(permit, outcome, probe=True))
        if before < GOOD_PROBES <= self._watched[permit.group].circuit.good_probes:
            self._ring()  # with nothing to send it is closed by these alone, and whoever knows that there is nothing sleeps

    def probing(self, group: str) -> Permit:
        """Return what a probe asked now will be judged by."""
        return Permit(group, self._watched[group].circuit.generation, self._clock.monotonic(), None, single=False)

    def slow(self, permit: Permit) -> None:
        """Note that a call has had no answer within `slow_after`; it goes on."""
        within_s = self._watched[permit.group].policy.slow_after_s
        said = f"no answer within {within_s:g} s"
        self._hear(permit.group, Evidence(Sign.SLOW, permit.generation, permit.asked_at, "slow", permit.lane, said=said))

    def nothing_to_send(self, group: str) -> None:
        """Note that no record of *group* could be sent now."""
        watched = self._watched[group]
        self._become(group, settle_idle(watched.circuit, self._clock.monotonic(), watched.policy))

    def open_to_replay(self) -> tuple[str, ...]:
        """Return the groups of which a record may be replayed now."""
        now = self._clock.monotonic()
        return tuple(group for group, watched in self._watched.items() if self._replays(watched, now))

    def half_open(self) -> tuple[str, ...]:
        """Return the groups that wait for one good call before they close."""
        return tuple(group for group, watched in self._watched.items() if watched.circuit.phase is Phase.HALF_OPEN)

    def next_change_s(self) -> float | None:
        """
        Return the seconds until a start slot, a canary or the end of a throttle comes, None where nothing is waited for.

        A permit that is taken is looked for again: for a dose that is known already it comes back without evidence, and no bell rings.
        """
        now = self._clock.monotonic()
        times = [self._paused_until, *(at for watched in self._watched.values() for at in (watched.start_at, watched.circuit.canary_at))]
        ahead = [at - now for at in times if at > now] + [TAKEN_S for watched in self._watched.values() if watched.taken_by is not None]
        return min(ahead) if ahead else None

    def retry_after_s(self, group: str) -> int:
        """Return whole seconds after which a desk may ask again, for a Retry-After field."""
        watched = self._watched[group]
        return max(1, math.ceil(retry_left_s(watched.circuit, self._clock.monotonic())), math.ceil(watched.policy.probe_every_s))

    def _replays(self, watched: Watched, now: float) -> bool:
        if self.held or self.without_credential or self._paused() or now < watched.start_at:
            return False
        if watched.circuit.phase in (Phase.CLOSED, Phase.SUSPECT):
            return True
        return admits_canary(watched.circuit, now, watched.policy, watched.start_at)

    def _paused(self) -> bool:
        return self._clock.monotonic() < self._paused_until

    def _pace(self, permit: Permit, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.THROTTLED:
            # Ten desks turned away in one second are one "too many", not ten: only who asked after the wait doubles it.
            self._throttled += self._throttled == 0 or permit.asked_at >= self._paused_until
            until = self._clock.monotonic() + throttled_s(self._throttled, outcome.retry_after_s)
            self._paused_until = max(self._paused_until, until)
        elif sign_of(outcome.kind) is Sign.GOOD:
            self._throttled = 0

    def _evidence(self, permit: Permit, outcome: Outcome, *, probe: bool) -> Evidence:
        return Evidence(
            sign=sign_of(outcome.kind),
            generation=permit.generation,
            asked_at=permit.asked_at,
            cause=outcome.cause,
            lane=permit.lane,
            probe=probe,
            refused=outcome.cause == FailureKind.REFUSED,
            retry_after_s=outcome.retry_after_s,
            said=outcome.said,
        )

    def _hear(self, group: str, evidence: Evidence) -> None:
        watched = self._watched[group]
        self._become(group, observe(watched.circuit, evidence, self._clock.monotonic(), watched.policy))

    def _become(self, group: str, circuit: Circuit) -> None:
        watched = self._watched[group]
        before, watched.circuit = watched.circuit, circuit
        if before.phase is circuit.phase:
            if before.good_probes < GOOD_PROBES <= circuit.good_probes:
                self._ring()  # enough for a group of which nothing waits to be sent
            return
        now = self._clock.monotonic()
        if circuit.phase is Phase.HALF_OPEN and before.downtime is not None:
            wish = circuit.retry_after.wait_s if circuit.retry_after else None
            self._come_back(watched, trouble_s(circuit, now), wish, now)
        if circuit.phase is Phase.CLOSED and before.downtime is not None:
            watched.ended = before.downtime
        log.info("circuit changed", extra={"action": "circuit", "group": group, "phase": circuit.phase.value, "was": before.phase.value})
        self._ring()

    def _come_back(self, watched: Watched, troubled_s: float, wish_s: float | None, now: float) -> None:
        watched.troubled_s = troubled_s
        watched.start_at = now + self._start_delay_s(troubled_s, wish_s)

    def _ring(self) -> None:
        for bell in self.bells:
            bell()
