from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from proxy.app import assembled
from proxy.console.app import admin_app
from proxy.console.guard import Guard
from proxy.console.metrics import Metrics
from proxy.operations.centre import Centre, Traffic
from proxy.operations.runs import Replays
from proxy.profiles.load import load_profile
from proxy.settings import load_settings
from proxy.traffic.clock import Clock
from proxy.traffic.meters import Meters
from proxy.traffic.retry import Wake
from proxy.traffic.server import Port, app_runner
from store.file.lock import Role
from store.journal import open_journal
from tests.console.admin_port import AdminPort


@pytest.fixture
async def make_port(tmp_path: Path) -> AsyncIterator[object]:
    async with AsyncExitStack() as stack:

        async def make(token: str | None = None, clock: Clock | None = None) -> AdminPort:
            settings = load_settings(
                None, {"DOSEKEEPER_STORE__PATH": str(tmp_path / "j.db"), "DOSEKEEPER_STORE__KEY_FILE": str(tmp_path / "k")}
            )
            journal = await open_journal(settings.store.path, settings.store.key_file, {}, Role.SERVICE)
            stack.push_async_callback(journal.close)
            meters = Meters()
            sidecar = await stack.enter_async_context(assembled(settings, load_profile(settings.profile, tmp_path), journal, meters, clock))
            traffic = Traffic(
                sidecar.circuits, sidecar.credentials, sidecar.replayer, Replays(sidecar.replayer.budget), Wake(), sidecar.watch
            )
            centre = Centre(journal, sidecar.clock, sidecar.persons, traffic)
            app = admin_app(centre, Metrics(centre, meters, settings), Guard(token, "127.0.0.1"), "this-journal", settings.centre)
            port = Port(app_runner(app), "127.0.0.1", 0)
            stack.push_async_callback(port.close)
            number = await port.open()
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return AdminPort(f"http://127.0.0.1:{number}", http, journal, centre)

        yield make


@pytest.fixture
async def port(make_port: object) -> AdminPort:
    made: AdminPort = await make_port()  # type: ignore[operator]
    return made
