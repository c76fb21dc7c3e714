"""A page of another origin in a real browser: it sees an outage begin and end, and records through it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from aiohttp import web

from simulator import Simulator
from tests.traffic.centre import VACCINATE, a_centre, a_dose, people

CHROMIUM = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CHROMIUM_REQUIRED" not in os.environ, reason="there is no chromium here; next: apt install chromium"
)

PAGE = """<!doctype html><meta charset=utf-8><script type=module>
const say = (event, told) => fetch("/said", {method: "POST", body: JSON.stringify({event, ...told})})
const own = "%(own)s/.dosekeeper/status"
const status = await fetch(own, {headers: {"Accept-Language": "hi"}})
say("status", {...await status.json(), said_in: status.headers.get("Content-Language")})
const heard = new EventSource(own + "?lang=hi")
heard.addEventListener("status", async event => {
  const told = JSON.parse(event.data)
  say("event", told)
  if (told.state === "down" && told.pending === 0) {
    const dose = await fetch("%(api)s", {method: "POST", credentials: "include", body: JSON.stringify(%(dose)s),
      headers: {"Content-Type": "application/json", "x-api-key": "demo-key", "Idempotency-Key": '"8e03978e"', "Accept-Language": "hi"}})
    say("receipt", {status: dose.status, kept: dose.headers.get("Dosekeeper-State"), ...await dose.json()})
  }
})
heard.onerror = () => say("lost", {})
</script>"""


class DeskPage:
    """A web server of its own origin, and all that the page which it serves had to say."""

    def __init__(self) -> None:
        self.html = ""
        self.said: list[dict[str, Any]] = []
        self._more = asyncio.Event()

    async def page(self, _: web.Request) -> web.Response:
        return web.Response(text=self.html, content_type="text/html")

    async def take(self, request: web.Request) -> web.Response:
        self.said.append(json.loads(await request.read()))
        self._more.set()
        return web.Response()

    async def until(self, after: int = 0, **wanted: object) -> int:
        """Return the place of the first thing said with *wanted* in it, of those from *after* on."""
        async with asyncio.timeout(60):
            while True:
                self._more.clear()
                for place in range(after, len(self.said)):
                    if wanted.items() <= self.said[place].items():
                        return place
                await self._more.wait()


@asynccontextmanager
async def served(desk: DeskPage) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", desk.page)
    app.router.add_post("/said", desk.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[None]:
    assert CHROMIUM is not None, "CHROMIUM_REQUIRED is set"
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM, *flags, "--no-first-run", f"--user-data-dir={folder}", url,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        await browser.wait()


async def test_a_page_of_a_named_origin_works_through_an_outage(tmp_path: Path) -> None:
    desk = DeskPage()
    async with (
        Simulator(seed=7, people=60) as sim,
        served(desk) as origin,
        a_centre(tmp_path, f"{sim.url}/api", answering={"answer_within": "10s"}, listen={"cors_origins": f"[{origin}]"}) as centre,
    ):
        own = centre.url.removesuffix("/api")
        desk.html = PAGE % {"own": own, "api": centre.url + VACCINATE, "dose": json.dumps(a_dose(people(sim)[0]))}
        async with opened(origin, tmp_path / "browser"):
            asked = desk.said[await desk.until(event="status")]
            assert (asked["state"], asked["language"], asked["said_in"]) == ("up", "hi", "hi")
            event = desk.said[await desk.until(event="event", state="up")]
            assert event["tell"] == "राष्ट्रीय सर्वर चल रहा है।"
            fault = await sim.faults.add("refuse")
            receipt = desk.said[await desk.until(event="receipt")]
            assert (receipt["status"], receipt["kept"], receipt["record"]["number"]) == (200, "pending", 1)
            assert receipt["record"]["message"].startswith("इस केंद्र पर नंबर 1 से दर्ज हो गया।")
            waits = await desk.until(event="event", state="down", pending=1)
            await sim.faults.lift(fault)
            await desk.until(waits, event="event", state="up", pending=0, all_confirmed=True)
        assert (await centre.states(), {"event": "lost"} in desk.said) == (["delivered"], False)
