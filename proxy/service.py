"""
The service: the journal, the traffic and the two ports, from start to a clean stop.

Nothing here is POSIX only: where the event loop takes no signal handlers, or there is no SIGHUP, it goes without.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from proxy.app import Sidecar, assembled
from proxy.console.app import admin_app
from proxy.console.guard import Guard
from proxy.console.metrics import Metrics, running_version
from proxy.document import DocumentError
from proxy.operations import replay
from proxy.operations.centre import Centre, Traffic
from proxy.operations.holding import HoldKeeper
from proxy.operations.identity import journal_identity
from proxy.operations.runs import Replays
from proxy.operations.status import public_status
from proxy.profiles.load import load_profile
from proxy.settings import Settings
from proxy.traffic.active_profile import ActiveProfile, GroupsChanged
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Step, Wake, keep_running
from proxy.traffic.server import Port, data_app, tls_context
from store.file.lock import Role
from store.journal import open_journal

log = logging.getLogger(__name__)

ADMIN_AGAIN_S: Final = 5.0
"""Wait until the admin port is tried again when it could not be opened."""

COLLECTED_AFTER: Final = 5_000
"""Objects that may be in cycles, made since the last collection; Python's own figure is 700."""


class NoDataPort(Exception):
    """The data port cannot be opened; the text says why, and what to do."""


async def serve(settings: Settings, environ: Mapping[str, str]) -> None:
    """
    Run until SIGTERM or SIGINT, then stop cleanly: no new requests, sends settled, the journal's log folded in.

    Raises:
        DocumentError: the profile cannot be used.
        JournalError: the journal cannot be had.
        NoDataPort: the data port cannot be opened.
    """
    stop = asyncio.Event()
    _on_signal("SIGTERM", stop.set)
    _on_signal("SIGINT", stop.set)
    meters = Meters()
    async with running(settings, environ, Role.SERVICE, meters) as (sidecar, centre), _data_port(settings, sidecar, centre) as port:
        _on_signal("SIGHUP", lambda: reread_profile(settings, sidecar.profile))
        _collect_rarely()
        log.info("ready", extra={"action": "ready", "host": settings.listen.host, "port": port, "version": running_version()})
        await stop.wait()
        log.info("stopping", extra={"action": "stopping"})


@asynccontextmanager
async def running(settings: Settings, environ: Mapping[str, str], role: Role, meters: Meters) -> AsyncIterator[tuple[Sidecar, Centre]]:
    """Have the journal open and everything running but the data port; as a service also the admin port. Raises as `serve`."""
    profile = load_profile(settings.profile, Path())
    observe = meters.journal_commit_duration.observe
    journal = await open_journal(
        settings.store.path,
        settings.store.key_file,
        environ,
        role,
        on_commit=lambda seconds, _: observe(seconds),
        reserve=settings.store.reserve,
    )
    try:
        async with assembled(settings, profile, journal, meters) as sidecar:
            await sidecar.recover()
            traffic = Traffic(
                circuits=sidecar.circuits,
                credentials=sidecar.credentials,
                replayer=sidecar.replayer,
                replays=Replays(sidecar.replayer.budget),
                hold_bell=Wake(),
                watch=sidecar.watch,
                narrowed=role is Role.CLI,
                memory=sidecar.memory,
            )
            sidecar.watch.bells.append(traffic.hold_bell.ring)
            centre = Centre(journal, sidecar.clock, sidecar.persons, traffic)
            holds = HoldKeeper(journal, sidecar.circuits, sidecar.clock)
            async with (
                _admin_port(settings, centre, meters, wanted=role is Role.SERVICE),
                sidecar.running(),
                _kept_running("hold", holds.step, traffic.hold_bell),
                _kept_running("replay-run", partial(replay.step, centre), traffic.replays.wake),
            ):
                yield sidecar, centre
    finally:
        await journal.close()


def _collect_rarely() -> None:
    """
    Have the garbage collector leave alone what a start has made, which stays, and look at the rest less often.

    A request leaves hardly any cycles behind; looking for them took an eighth of its processor time (measured, bench/RESULTS.md).
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


def reread_profile(settings: Settings, active: ActiveProfile) -> None:
    """Put the profile in force as its file is now; one that cannot be used changes nothing."""
    try:
        active.adopt(load_profile(settings.profile, Path()))
    except DocumentError as error:
        log.exception("profile not taken, the one before stays", extra={"action": "profile_kept", "problems": str(error)})
    except GroupsChanged:
        log.warning("profile not taken: groups, credential fields and pacing change at a start only", extra={"action": "profile_kept"})
    else:
        log.info("profile read anew", extra={"action": "profile_adopted"})


@asynccontextmanager
async def _data_port(settings: Settings, sidecar: Sidecar, centre: Centre) -> AsyncIterator[int]:
    listen = settings.listen
    handler = sidecar.data_port(lambda: public_status(centre)).handle
    port = Port(data_app(handler), listen.host, listen.port, tls_context(listen.tls_cert, listen.tls_key))
    try:
        yield await _opened(port, settings)
    finally:
        await port.close()


async def _opened(port: Port, settings: Settings) -> int:
    try:
        return await port.open()
    except OSError as error:
        raise NoDataPort(
            f"The data port cannot be opened on {settings.listen.host} port {settings.listen.port}: {error.strerror}. "
            "End what listens there, or give listen.port another number; then run: dosekeeper serve"
        ) from error


@asynccontextmanager
async def _admin_port(settings: Settings, centre: Centre, meters: Meters, *, wanted: bool) -> AsyncIterator[None]:
    """Open the admin port, now or as soon as it can be: the data port does not wait for it."""
    if not wanted:
        yield
        return
    admin = settings.admin
    token = None if admin.token_file is None else admin.token_file.read_text("utf-8").strip()
    metrics = Metrics(centre, meters.registry, settings.store.path)
    ports: list[Port] = []

    async def step() -> float | None:
        identity = journal_identity(settings.store.path)
        port = Port(admin_app(centre, metrics, Guard(token, admin.host), identity), admin.host, admin.port)
        try:
            number = await port.open()
        except OSError as error:
            await port.close()
            place = {"host": admin.host, "port": admin.port, "reason": error.strerror}
            log.warning("admin port cannot be opened; it is tried again", extra={"action": "admin_port_failed", **place})
            return ADMIN_AGAIN_S
        ports.append(port)
        log.info("admin port open", extra={"action": "admin_port", "host": admin.host, "port": number})
        return None

    try:
        async with _kept_running("admin-port", step, Wake()):
            yield
    finally:
        for port in ports:
            await port.close()


@asynccontextmanager
async def _kept_running(name: str, step: Step, wake: Wake) -> AsyncIterator[None]:
    task = asyncio.create_task(keep_running(name, step, wake), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _on_signal(name: str, act: Callable[[], object]) -> None:
    """Call *act* in the event loop when the signal comes; Windows has no SIGHUP, and its event loop takes no handlers."""
    number = getattr(signal, name, None)
    if number is None:
        return
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, act)
    except NotImplementedError:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(act))
