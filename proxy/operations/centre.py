"""What an operation acts on: the centre's journal, and the traffic where a service (or a replay) is running in this process."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.operations.runs import Replays
from proxy.profiles.model import Policy, Profile
from proxy.rules.outage import end_holds
from proxy.traffic.circuits import Circuits
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Credentials
from proxy.traffic.memory import Memory
from proxy.traffic.persons import Persons
from proxy.traffic.replayer import Replayer
from proxy.traffic.retry import Wake
from proxy.traffic.warm_up import WarmUp
from store.journal import Journal
from store.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Traffic:
    """The running parts that an operator may ask or nudge. `narrowed`: only what a replay chose is sent (a command's own run)."""

    circuits: Circuits
    credentials: Credentials
    replayer: Replayer
    replays: Replays
    hold_bell: Wake
    watch: ClockWatch
    narrowed: bool = False
    memory: Memory | None = None
    warm_up: WarmUp | None = None


@dataclass(frozen=True, slots=True)
class Centre:
    """The centre as operations see it; `traffic` is None where nothing is running in this process."""

    journal: Journal
    clock: Clock
    persons: Persons
    traffic: Traffic | None = None

    async def snapshot(self) -> Snapshot:
        """Return every durable figure; deadlines are compared with the best that is known of the time."""
        stamp = self.clock.stamp()
        now = stamp.wall if self.traffic is None else self.traffic.watch.wall()
        return await self.journal.snapshot(now, lambda outage: end_holds(outage, stamp))

    def profile(self) -> Profile:
        """Return the profile in force."""
        return self.persons.profile.profile

    def record_groups(self) -> frozenset[str]:
        """Return the groups that have a record route: what is down with them keeps doses from going up."""
        return frozenset(route.group for route in self.profile().routes if route.policy is Policy.RECORD)

    def record_routes(self) -> tuple[str, ...]:
        """Return the names of the record routes, in the profile's order."""
        return tuple(route.name for route in self.profile().routes if route.policy is Policy.RECORD)
