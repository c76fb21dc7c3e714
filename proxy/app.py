"""
The composition root: every part is made here, once, and given what it needs.

`assembled` builds a sidecar around an open journal, for the service (`proxy.service`) and for a command that replays without one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from proxy.profiles.model import Profile
from proxy.rules.circuit import Policy as CircuitPolicy
from proxy.rules.pace import full, start_delay_s
from proxy.rules.probing import idle_every_s
from proxy.rules.telling import PublicStatus
from proxy.rules.trust import Rules as TrustRules
from proxy.settings import Settings
from proxy.traffic.acceptances import Acceptances
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.asking import Asking
from proxy.traffic.brown_outs import BrownOuts
from proxy.traffic.budget import Budget
from proxy.traffic.circuits import Circuits
from proxy.traffic.client_keys import ClientKeys
from proxy.traffic.clock import Clock
from proxy.traffic.clock_watch import ClockWatch
from proxy.traffic.credentials import Credentials
from proxy.traffic.data_port import DataPort
from proxy.traffic.disk_watch import DiskWatch
from proxy.traffic.limits import Limits
from proxy.traffic.line import Line
from proxy.traffic.listeners import Listeners
from proxy.traffic.look_ups import LookUps
from proxy.traffic.memory import Memory
from proxy.traffic.meters import Meters
from proxy.traffic.monitor import Monitor
from proxy.traffic.outage_keeper import OutageKeeper
from proxy.traffic.own_credential import OwnCredential, own_credential
from proxy.traffic.own_writes import OwnWrites
from proxy.traffic.page_check import PageCheck
from proxy.traffic.pass_route import OTHER_GROUP, PassRoute
from proxy.traffic.persons import Persons, persons_of
from proxy.traffic.prober import Prober
from proxy.traffic.purger import Purger
from proxy.traffic.readings import Readings
from proxy.traffic.reads import ReadRoute
from proxy.traffic.recollection import Recollection
from proxy.traffic.record_route import RecordRoute
from proxy.traffic.recovery import take_over
from proxy.traffic.replayer import Replayer
from proxy.traffic.retry import Step, Wake, keep_running
from proxy.traffic.sender import Sender
from proxy.traffic.sends import Sends
from proxy.traffic.strays import Strays
from proxy.traffic.sweeper import Sweeper
from proxy.traffic.tasks import Background
from proxy.traffic.token_keys import TokenKeys
from proxy.traffic.trials import Trials
from proxy.traffic.upstream import Upstream
from proxy.traffic.waits import Waits
from proxy.traffic.warm_up import WarmUp
from proxy.traffic.watch_keeper import WatchKeeper
from proxy.traffic.wishes import Wishes
from store.errors import JournalDamaged, JournalError
from store.journal import Journal

log = logging.getLogger(__name__)

T = TypeVar("T")

SETTLING_S: Final = 8.0
"""Time that sends under way have at a stop. What is later is found as `sending` at the next start and treated as unknown."""


LAST_WORD_S: Final = 1.0
"""Time for the outage ledger's last entry; a disk that hangs must not hold up a stop."""

STAY_EVERY_S: Final = 3600.0
"""How old a copy made by hand has to be, at most, to be known for one when it is put back over the journal."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The parts, made for each other."""

    settings: Settings
    profile: ActiveProfile
    journal: Journal
    clock: Clock
    watch: ClockWatch
    meters: Meters
    upstream: Upstream
    circuits: Circuits
    persons: Persons
    look_ups: LookUps
    credentials: Credentials
    background: Background
    sender: Sender
    replayer: Replayer
    sweeper: Sweeper
    purger: Purger
    page_check: PageCheck
    keeper: OutageKeeper
    brown_outs: BrownOuts
    watch_keeper: WatchKeeper
    probers: tuple[Prober, ...]
    passing: PassRoute
    asking: Asking
    memory: Memory
    warm_up: WarmUp

    def data_port(self, status: Callable[[], Awaitable[PublicStatus]], limits: Limits | None = None) -> DataPort:
        """Return the data port; *status* is what it tells client software of the centre, *limits* what each may take."""
        limits = limits or Limits()
        passing = replace(self.passing, limits=limits)
        reading = ReadRoute(
            profile=self.profile,
            asking=self.asking,
            circuits=self.circuits,
            credentials=self.credentials,
            budget=passing.budget,
            persons=self.persons,
            recollection=self.asking.recollection,
            readings=self.warm_up.wishes.readings,
            own_writes=OwnWrites(self.profile, self.journal, self.persons),
            passing=passing,
            background=self.background,
            meters=self.meters,
            clock=self.clock,
            answer_within_s=self.settings.answering.answer_within,
        )
        recording = RecordRoute(
            profile=self.profile,
            journal=self.journal,
            persons=self.persons,
            circuits=self.circuits,
            credentials=self.credentials,
            sender=self.sender,
            replayer=self.replayer,
            passing=passing,
            reading=reading,
            background=self.background,
            meters=self.meters,
            clock=self.clock,
            watch=self.watch,
            answer_within_s=self.settings.answering.answer_within,
            body_max=self.settings.answering.body_max,
            timezone=ZoneInfo(self.settings.centre.timezone),
            limits=limits,
        )
        listeners = Listeners(status, limits)
        self.circuits.bells.append(listeners.ring)
        monitor = Monitor(self.profile, self.journal, listeners)
        origins = frozenset(self.settings.listen.cors_origins)
        return DataPort(
            self.profile,
            self.upstream.prefix,
            recording,
            reading,
            passing,
            monitor,
            self.meters,
            self.clock,
            self.keeper.waits,
            origins,
        )

    async def recover(self) -> None:
        """Take up what the process before this one left: sends cut off, a running outage, an operator's hold."""
        await _mended_first(self.journal, self._recover)

    async def _recover(self) -> None:
        self.watch.latest_at = await self.journal.latest_recorded_at()
        await take_over(self.journal, self.clock, self.look_ups)
        await self.keeper.resume()
        await self.brown_outs.resume()
        await self.credentials.load(self.journal)
        self.circuits.hold(held=await self.journal.operator_hold() is not None)

    async def _stay(self) -> float:
        await self.journal.stay()
        return STAY_EVERY_S

    def _steps(self) -> Iterator[tuple[str, Step, Wake]]:
        """What is done again and again: its name, the step, and what wakes it."""
        disk = Wake()
        self.journal.on_trouble(disk.ring)
        yield "clock", self.watch.step, Wake()
        yield "outages", self.keeper.step, self.keeper.wake
        yield "brown-outs", self.brown_outs.step, self.brown_outs.wake
        yield "watch", self.watch_keeper.step, self.watch_keeper.wake
        yield "replay", self.replayer.step, self.replayer.wake
        yield "sweep", self.sweeper.step, Wake()
        yield "strays", Strays(self.journal, self.sender, self.look_ups, self.clock, self.replayer.wake).step, Wake()
        yield "pages", self.page_check.step, Wake()
        yield "purge", self.purger.step, Wake()
        yield "memory", self.memory.step, Wake()
        yield "warm-up", self.warm_up.step, Wake()
        yield "home", self._stay, Wake()
        yield "disk", DiskWatch(self.journal).step, disk
        yield "token-keys", self.credentials.keys.step, self.credentials.keys.wake
        yield from (("token", source.step, source.wake) for source in self.credentials.own.sources())
        yield from (("probe", prober.step, prober.wake) for prober in self.probers)

    async def _note_last_changes(self) -> None:
        """Write what the circuits came to in the last moment, or an outage that is over would run on until somebody starts again."""
        with suppress(JournalError, TimeoutError):
            async with asyncio.timeout(LAST_WORD_S):
                await self.keeper.step()
                await self.watch_keeper.last_word()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probe, keep the outage ledger and replay, as long as the block lasts."""
        loops = [asyncio.create_task(keep_running(name, step, wake)) for name, step, wake in self._steps()]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            await self._note_last_changes()
            late = await self.background.finish(SETTLING_S)
            with suppress(JournalError):
                await self.memory.flush()
            log.info("stopped", extra={"action": "stopped", "unsettled": late})


@asynccontextmanager
async def assembled(
    settings: Settings, profile: Profile, journal: Journal, meters: Meters, clock: Clock | None = None
) -> AsyncIterator[Sidecar]:
    """Build a sidecar around an open journal; its connections are closed at the end, the journal is the caller's."""
    upstream = Upstream(settings.upstream)
    try:
        yield _assemble(settings, profile, journal, meters, clock or Clock(), upstream, await _mended_first(journal, journal.open_groups))
    finally:
        await upstream.close()


async def _mended_first(journal: Journal, ask: Callable[[], Awaitable[T]]) -> T:
    """Return what *ask* returns. A damaged page that is met only now is no reason not to start: it is mended, and all is asked again."""
    try:
        return await ask()
    except JournalDamaged:
        await journal.mend()
        return await ask()


def _assemble(
    settings: Settings, profile: Profile, journal: Journal, meters: Meters, clock: Clock, upstream: Upstream, left: set[str]
) -> Sidecar:
    policies = {name: _policy(settings, has_probe=group.probe is not None) for name, group in profile.groups.items()}
    # Records of a group that the profile has no longer still go up: as of one without a probe.
    left -= policies.keys()
    policies |= {name: _policy(settings, has_probe=False) for name in (*sorted(left), OTHER_GROUP)}

    def start_delay(outage_s: float, retry_after_s: float | None) -> float:
        draw = random.random()  # noqa: S311 - spreads centres, keeps no secret
        return start_delay_s(settings.centre.id, journal.installation_id, outage_s, draw, settings.replay.spread_max, retry_after_s)

    circuits = Circuits(policies, clock, start_delay)
    background = Background()
    watch, sends = ClockWatch(clock), Sends(clock)
    credentials = _credentials(settings, profile, journal, meters, clock, watch, upstream, circuits, background)
    budget = Budget(full(settings.replay.calls_per_minute or profile.pacing.calls_per_minute, clock.monotonic()), clock)
    active = ActiveProfile(profile)
    persons = persons_of(settings, active, journal)
    look_ups = LookUps(
        profile=active,
        journal=journal,
        persons=persons,
        upstream=upstream,
        circuits=circuits,
        credentials=credentials,
        meters=meters,
        clock=clock,
        watch=watch,
        sends=sends,
        settle_s=settings.replay.settle,
        after_s=settings.replay.look_up_after,
        within_s=settings.outage.slow_after,
    )
    sender = Sender(active, journal, persons, upstream, circuits, credentials, budget, Trials(), meters, clock, watch, sends)
    replayer = Replayer(
        journal=journal,
        sender=sender,
        look_ups=look_ups,
        circuits=circuits,
        credentials=credentials,
        budget=budget,
        background=background,
        meters=meters,
        clock=clock,
        concurrency_max=settings.replay.concurrency_max,
        spread_max_s=settings.replay.spread_max,
        wake=Wake(),
    )
    line = settings.outage.line_check
    ours = None if line is None else Line(line.host, line.port)
    keeper = OutageKeeper(journal, circuits, clock, watch, Wake(), Waits(), ours, ended=replayer.wake.ring, left=left)
    brown_outs = BrownOuts(journal, circuits, clock, watch, Wake(), settings.answering.answer_within)
    circuits.paced = brown_outs.note
    probers = tuple(
        Prober(name, group.probe, active, upstream, circuits, credentials, budget, meters, clock, watch, Wake(), settings.outage.slow_after)
        for name, group in profile.groups.items()
        if group.probe is not None
    )
    watch.bells += [keeper.wake.ring, replayer.wake.ring, *(prober.wake.ring for prober in probers)]
    credentials.bells.append(replayer.wake.ring)
    circuits.bells += [keeper.wake.ring, replayer.wake.ring, *(prober.wake.ring for prober in probers)]
    passing = PassRoute(active, upstream, circuits, credentials, budget, persons, meters, settings.answering.body_max, Limits())
    memory = Memory(journal, clock, settings.reads.size_max)
    recollection = Recollection(active, credentials, memory, clock, settings.reads.max_stale)
    asking = Asking(upstream, circuits, credentials, recollection, passing, meters)
    wishes = Wishes(active, recollection, Readings(clock), upstream.prefix, clock, ZoneInfo(settings.centre.timezone), settings.centre.id)
    return Sidecar(
        settings=settings,
        profile=active,
        journal=journal,
        clock=clock,
        watch=watch,
        meters=meters,
        upstream=upstream,
        circuits=circuits,
        persons=persons,
        look_ups=look_ups,
        credentials=credentials,
        background=background,
        sender=sender,
        replayer=replayer,
        sweeper=Sweeper(active, journal, look_ups, circuits, budget, meters, clock, watch, ZoneInfo(settings.centre.timezone)),
        page_check=PageCheck(journal),
        purger=Purger(journal, clock, watch, _keep_delivered_s(settings, profile)),
        keeper=keeper,
        brown_outs=brown_outs,
        watch_keeper=WatchKeeper(journal, clock, Wake()),
        probers=probers,
        passing=passing,
        asking=asking,
        memory=memory,
        warm_up=WarmUp(wishes, asking, journal, circuits, credentials, budget, clock),
    )


def _credentials(  # noqa: PLR0913, PLR0917 - the parts it is made of
    settings: Settings,
    profile: Profile,
    journal: Journal,
    meters: Meters,
    clock: Clock,
    watch: ClockWatch,
    upstream: Upstream,
    circuits: Circuits,
    background: Background,
) -> Credentials:
    recording = settings.recording

    def told(own: OwnCredential) -> None:
        meters.credential_ok.set(own.wrong is None)
        circuits.lacking(credential=own.missing)

    own = own_credential(settings.upstream, upstream, clock, told, watch.wall)
    return Credentials(
        named=profile.credentials,
        own=own,
        keys=TokenKeys(recording, upstream, journal, clock),
        client_keys=ClientKeys(recording.client_keys_file),
        acceptances=Acceptances(journal, background, clock),
        rules=TrustRules(recording.trust_for, recording.loopback_trusted, own.configured),
        hashed=journal.lane_hash,
        wall=watch.wall,
        origins=frozenset(settings.listen.cors_origins),
        in_auth_outage=circuits.auth_outage,
    )


def _keep_delivered_s(settings: Settings, profile: Profile) -> float:
    stale = [route.remember.max_stale for route in profile.routes if route.overlay is not None]
    return max(settings.privacy.keep_delivered, settings.reads.max_stale, *(each for each in stale if each is not None))


def _policy(settings: Settings, *, has_probe: bool) -> CircuitPolicy:
    outage = settings.outage
    idle_s = idle_every_s(outage.probe_idle, random.random())  # noqa: S311 - spreads probes, keeps no secret
    return CircuitPolicy(outage.probe_every, outage.probe_max, outage.slow_after, has_probe, idle_s)
