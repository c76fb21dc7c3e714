"""What is CoWIN's own on the control port: people, messages, API keys, rules."""

from __future__ import annotations

from aiohttp import web

from simulator import clock
from simulator.control import answered, parsed
from simulator.cowin.register import Register, Rules


def routes(register: Register) -> web.RouteTableDef:
    """Return the control routes of *register*."""
    table = web.RouteTableDef()

    @table.get("/_sim/people")
    async def people(_: web.Request) -> web.Response:
        return answered(list(register.people.values()))

    @table.get("/_sim/messages")
    async def messages(_: web.Request) -> web.Response:
        return answered(register.arrived(clock.now().at))

    @table.get("/_sim/keys")
    async def keys(_: web.Request) -> web.Response:
        return answered(sorted(register.api_keys))

    @table.put("/_sim/keys/{key}")
    async def accept_key(request: web.Request) -> web.Response:
        register.api_keys.add(request.match_info["key"])
        return answered(sorted(register.api_keys))

    @table.delete("/_sim/keys/{key}")
    async def revoke_key(request: web.Request) -> web.Response:
        register.api_keys.discard(request.match_info["key"])
        return answered(sorted(register.api_keys))

    @table.get("/_sim/rules")
    async def rules(_: web.Request) -> web.Response:
        return answered(register.rules.model_dump(mode="json"))

    @table.put("/_sim/rules")
    async def set_rules(request: web.Request) -> web.Response:
        register.rules = await parsed(request, Rules)
        return answered(register.rules.model_dump(mode="json"))

    return table
