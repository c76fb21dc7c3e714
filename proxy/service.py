"""
The service: the journal, the traffic and the ports, from start to a clean stop.

Nothing here is POSIX only: where the event loop takes no signal handlers, or there is no SIGHUP, it goes without.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

from proxy.app import Sidecar, assembled
from proxy.console.app import admin_app, metrics_app
from proxy.console.guard import Guard
from proxy.console.metrics import Metrics
from proxy.document import DocumentError
from proxy.operations import replay
from proxy.operations.centre import Centre, Traffic
from proxy.operations.health import in_a_line
from proxy.operations.holding import HoldKeeper
from proxy.operations.identity import journal_identity
from proxy.operations.public_status import public_status
from proxy.operations.runs import Replays
from proxy.profiles.load import load_profile
from proxy.settings import Settings
from proxy.settings.model import Admin, MetricsPort
from proxy.supervisor import Supervisor, supervisor_of
from proxy.traffic.active_profile import ActiveProfile, GroupsChanged
from proxy.traffic.limits import SIDE_PORT
from proxy.traffic.meters import Meters, running_version
from proxy.traffic.retry import Step, Wake, keep_running
from proxy.traffic.server import Port, app_runner, data_runner, tls_context
from store.file.lock import Role
from store.journal import open_journal

log = logging.getLogger(__name__)

SIDE_PORT_AGAIN_S: Final = 5.0
"""Wait until the admin or the metrics port is tried again when it could not be opened."""

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
    meters, supervisor = Meters(), supervisor_of(environ)
    async with running(settings, environ, Role.SERVICE, meters) as (sidecar, centre), _data_port(settings, sidecar, centre) as port:
        _on_signal("SIGHUP", lambda: reread_profile(settings, sidecar.profile))
        _collect_rarely()
        log.info("ready", extra={"action": "ready", "host": settings.listen.host, "port": port, "version": running_version()})
        async with _kept_running("supervisor", partial(_tell, supervisor, centre), Wake()):
            await stop.wait()
        supervisor.tell("STOPPING=1")
        log.info("stopping", extra={"action": "stopping"})


async def _tell(supervisor: Supervisor, centre: Centre) -> float:
    # READY each time: it does no harm again, and one message may be lost where many services start at once.
    supervisor.tell("READY=1", "WATCHDOG=1", f"STATUS={in_a_line(centre)}")
    return supervisor.every_s


@asynccontextmanager
async def running(settings: Settings, environ: Mapping[str, str], role: Role, meters: Meters) -> AsyncIterator[tuple[Sidecar, Centre]]:
    """Have the journal open and everything running but the data port; as a service also the admin and metrics ports. Raises as `serve`."""
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
                warm_up=sidecar.warm_up,
            )
            sidecar.watch.bells.append(traffic.hold_bell.ring)
            centre = Centre(journal, sidecar.clock, sidecar.persons, traffic)
            holds = HoldKeeper(journal, sidecar.circuits, sidecar.clock)
            async with (
                _side_ports(settings, centre, meters) if role is Role.SERVICE else nullcontext(),
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
    runner = data_runner(sidecar.data_port(lambda: public_status(centre)))
    port = Port(runner, listen.host, listen.port, tls_context(listen.tls_cert, listen.tls_key))
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
async def _side_ports(settings: Settings, centre: Centre, meters: Meters) -> AsyncIterator[None]:
    """Have the admin port and, where one is wanted, the metrics port, at once or as soon as can be: the data port waits for neither."""
    shown, own = Metrics(centre, meters, settings), settings.metrics

    def admin() -> Port:
        guard = Guard(_token(settings.admin.token_file), settings.admin.host)
        identity = journal_identity(settings.store.path)
        app = admin_app(centre, shown, guard, identity, settings.centre)
        return Port(app_runner(app), settings.admin.host, settings.admin.port, limits=SIDE_PORT)

    def metrics() -> Port:
        guard = Guard(_token(own.token_file), own.host, "metrics")
        return Port(app_runner(metrics_app(shown, guard)), own.host, own.port or 0, tls_context(own.tls_cert, own.tls_key), SIDE_PORT)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_side_port("admin", admin, settings.admin))
        if own.port is not None:
            await stack.enter_async_context(_side_port("metrics", metrics, own))
        yield


def _token(file: Path | None) -> str | None:
    return None if file is None else file.read_text("utf-8").strip()


@asynccontextmanager
async def _side_port(name: str, make: Callable[[], Port], at: Admin | MetricsPort) -> AsyncIterator[None]:
    ports: list[Port] = []

    async def step() -> float | None:
        port = make()
        try:
            number = await port.open()
        except OSError as error:
            await port.close()
            place = {"host": at.host, "port": at.port, "reason": error.strerror}
            log.warning("%s port cannot be opened; it is tried again", name, extra={"action": f"{name}_port_failed", **place})
            return SIDE_PORT_AGAIN_S
        ports.append(port)
        log.info("%s port open", name, extra={"action": f"{name}_port", "host": at.host, "port": number})
        return None

    try:
        async with _kept_running(f"{name}-port", step, Wake()):
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
