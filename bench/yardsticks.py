"""
What the sidecar is measured against: servers of a few lines, each a process of its own.

`python -m bench.yardsticks NAME PORT [PORT BEHIND IT]`. They do less than the sidecar on purpose: the distance is what its promises cost.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
from aiohttp import web

from bench.redis import Redis

Handler = Callable[[web.Request], Awaitable[web.Response]]

ANSWER: Final = b'{"status":"ok"}'
"""What the server behind says to everything: JSON with a 2xx, which the profile takes for a success."""

NOT_PASSED_ON: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})

received = 0


async def bare(request: web.Request) -> web.Response:
    """Read the body, answer 202, keep nothing."""
    await request.read()
    return web.Response(status=202, body=ANSWER, content_type="application/json")


async def upstream(request: web.Request) -> web.Response:
    """Take everything, and say how many writes came."""
    global received  # noqa: PLW0603 - one server, one process
    if request.path == "/received":
        return web.json_response(received)
    await request.read()
    received += request.method == "POST"
    return web.Response(body=ANSWER, content_type="application/json")


def proxy(behind: int) -> Handler:
    """Return a handler that passes a request on whole, as the shortest reverse proxy would."""
    session = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        fields = [(name, value) for name, value in request.headers.items() if name.lower() not in NOT_PASSED_ON]
        url = f"http://127.0.0.1:{behind}{request.path_qs}"
        async with session.request(request.method, url, headers=fields, data=body or None, allow_redirects=False) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    return handle


def redis(behind: int) -> Handler:
    """Return a handler that answers when Redis, which writes and syncs its log first, has the body in a list."""
    connection = Redis(behind)

    async def handle(request: web.Request) -> web.Response:
        await connection.ask(b"LPUSH", b"doses", await request.read())
        return web.Response(status=202, body=ANSWER, content_type="application/json")

    return handle


async def main(name: str, port: int, behind: int) -> None:
    """Serve until killed."""
    handle = {"bare": bare, "upstream": upstream}.get(name) or (proxy if name == "proxy" else redis)(behind)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))  # noqa: PLR2004
