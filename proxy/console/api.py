"""The admin API: the operations over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import hdrs, web

from proxy.console.problems import refused
from proxy.operations.catalogue import ACTS, Act
from proxy.operations.centre import Centre
from proxy.operations.errors import InTheWay, NotThere, Unfit
from proxy.operations.places import PLACES
from store.errors import JournalError


def api_routes(centre: Centre) -> list[web.RouteDef]:
    """Return a route for every operation on *centre*."""
    return [web.route(place.method, place.path, _handler(centre, ACTS[name])) for name, place in PLACES.items()]


async def answered(answer: Awaitable[web.Response]) -> web.Response:
    """Return the answer, or why an operation does not give it."""
    try:
        return await answer
    except Unfit as error:
        return refused("unfit", str(error))
    except NotThere as error:
        return refused("not-there", str(error))
    except InTheWay as error:
        return refused("in-the-way", str(error))
    except JournalError as error:
        return refused("journal", str(error))


def as_json(value: object) -> web.Response:
    """Return *value* as an answer that nobody keeps."""
    return web.Response(body=orjson.dumps(value), content_type="application/json", headers={hdrs.CACHE_CONTROL: "no-store"})


def _handler(centre: Centre, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def acted(request: web.Request) -> web.Response:
        return as_json(await act(centre, await _asked(request)))

    async def handle(request: web.Request) -> web.Response:
        return await answered(acted(request))

    return handle


async def _asked(request: web.Request) -> Mapping[str, object]:
    if request.method == hdrs.METH_POST:
        return {**_members(await request.read()), **request.match_info}
    if "lane" in request.query:
        raise Unfit("lane: a person is not named in a URL; POST it to /api/records/search")
    several = {name: request.query.getall(name) for name in request.query}
    query = {name: values[0] if len(values) == 1 else values for name, values in several.items()}
    return {**query, **request.match_info}


def _members(body: bytes) -> Mapping[str, object]:
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise Unfit("the body is no JSON") from None
    if not isinstance(value, dict):
        raise Unfit("the body must be a JSON object")
    return value
