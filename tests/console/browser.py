"""A Chromium that does what a person does with a page, over its DevTools protocol; and what a page did that it should not have."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any, Final

import aiohttp
import pytest

CHROMIUM: Final = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)

FLAGS: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
    "--remote-debugging-port=0", "--remote-allow-origins=*", "--hide-scrollbars", "--lang=en-IN",
)  # fmt: skip

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and "CHROMIUM_REQUIRED" not in os.environ, reason="there is no chromium here; next: apt install chromium"
)

# Looks again at each change of the page: nothing is slept.
SEEN: Final = """new Promise(seen => {
  const met = () => { try { return %s } catch (error) { return false } }
  const look = () => { const found = met(); if (found) { watch.disconnect(); seen(found) } }
  const watch = new MutationObserver(look)
  watch.observe(document, {subtree: true, childList: true, characterData: true, attributes: true})
  look()
})"""

FILL: Final = """(([selector, value]) => {
  const input = document.querySelector(selector)
  input.value = value
  input.dispatchEvent(new Event("input", {bubbles: true}))
  input.dispatchEvent(new Event("change", {bubbles: true}))
})(%s)"""


@dataclass(slots=True)
class Page:
    """One tab."""

    socket: aiohttp.ClientWebSocketResponse
    errors: list[str] = field(default_factory=list)
    """What stands in its console: exceptions, and what it was refused."""
    requests: list[str] = field(default_factory=list)
    """The URLs that it asked for."""
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _last: int = 0
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for message in self.socket:
            told = json.loads(message.data)
            if (waiting := self._waiting.pop(told.get("id", 0), None)) is not None:
                waiting.set_result(told)
            match told:
                case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": details}}:
                    self.errors.append(f"{details['text']} {details.get('exception', {}).get('description', '')}")
                case {"method": "Runtime.consoleAPICalled", "params": {"type": "error" | "warning", "args": words}}:
                    self.errors.append(str(words))
                case {"method": "Log.entryAdded", "params": {"entry": {"level": "error" | "warning", **entry}}}:
                    self.errors.append(f"{entry['text']} {entry.get('url', '')}")
                case {"method": "Network.requestWillBeSent", "params": {"request": request}}:
                    self.requests.append(request["url"])
                case {"method": "Page.loadEventFired"}:
                    self._loaded.set()
                case _:
                    pass

    async def send(self, method: str, **parameters: object) -> dict[str, Any]:
        self._last += 1
        self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": self._last, "method": method, "params": parameters})
        told = await self._waiting[self._last]
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def run(self, script: str) -> Any:
        """Return what an expression of JavaScript comes to."""
        told = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def sees(self, condition: str, within_s: float = 15) -> Any:
        """Wait until an expression is true of the page."""
        try:
            async with asyncio.timeout(within_s):
                return await self.run(SEEN % condition)
        except TimeoutError:
            raise AssertionError(f"never: {condition}; instead:\n{await self.run('document.body.innerText')}\n{self.errors}") from None

    async def reads(self, text: str, where: str = "body", within_s: float = 15) -> None:
        """Wait until a text can be read."""
        part = f"document.querySelector({json.dumps(where)})"
        await self.sees(f"{part}.getClientRects().length && {part}.innerText.includes({json.dumps(text)})", within_s)

    async def press(self, text: str, where: str = "body") -> None:
        """Press the button, link or summary that has a text and can be seen."""
        found = (
            f"[...document.querySelector({json.dumps(where)}).querySelectorAll('button, a, summary')]"
            f".find(each => each.innerText.trim().startsWith({json.dumps(text)}) && each.offsetParent && !each.disabled)"
        )
        await self.sees(found + " !== undefined")
        await self.run(f"{found}.click()")

    async def fill(self, selector: str, value: str) -> None:
        await self.sees(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.run(FILL % json.dumps([selector, value]))

    async def goes(self, fragment: str) -> None:
        """Go to a view, and wait until it is there."""
        await self.run(f"void (location.hash = {json.dumps(fragment)})")
        await self.sees(f"document.querySelector('#view section').dataset.view === {json.dumps('#' + fragment)}")

    async def size(self, width: int, height: int) -> None:
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    async def open(self, url: str) -> None:
        await self._until_loaded("Page.navigate", url=url)

    async def reload(self) -> None:
        await self._until_loaded("Page.reload")

    async def _until_loaded(self, method: str, **parameters: object) -> None:
        self._loaded.clear()
        await self.send(method, **parameters)
        async with asyncio.timeout(15):
            await self._loaded.wait()

    async def picture(self) -> bytes:
        told = await self.send("Page.captureScreenshot", format="png")
        return base64.b64decode(told["data"])


@asynccontextmanager
async def a_browser(folder: Path, width: int = 360, height: int = 640) -> AsyncIterator[Page]:
    """Run a Chromium with one empty page until the block ends; *folder* is for what it keeps."""
    assert CHROMIUM is not None, "CHROMIUM_REQUIRED is set"
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        port = await _port(browser)
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (url,) = (target["webSocketDebuggerUrl"] for target in await answer.json() if target["type"] == "page")
            async with http.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.send(f"{domain}.enable")
                await page.size(width, height)
                yield page
            await listening
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        await browser.communicate()


async def _port(browser: asyncio.subprocess.Process) -> int:
    assert browser.stderr is not None
    async with asyncio.timeout(30):
        async for line in browser.stderr:
            if found := re.match(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
                return int(found[1])
    raise AssertionError("the browser ended")
