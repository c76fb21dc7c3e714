"""The control port: faults, ledger, summary. It answers whatever becomes of the data port."""

from __future__ import annotations

import dataclasses
from http import HTTPStatus
from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from simulator.faults.board import Board
from simulator.faults.order import Order, in_words
from simulator.ledger import Ledger
from simulator.summary import summarise

M = TypeVar("M", bound=BaseModel)


def routes(board: Board, ledger: Ledger) -> web.RouteTableDef:
    """Return the control routes that every simulated server has."""
    table = web.RouteTableDef()

    @table.get("/_sim/faults")
    async def faults(request: web.Request) -> web.Response:
        entries = board.history if "lifted" in request.query else board.raised
        return answered([entry.as_json() for entry in entries])

    @table.post("/_sim/faults")
    async def raise_fault(request: web.Request) -> web.Response:
        order = await parsed(request, Order)
        try:
            return answered({"id": await board.raise_fault(order.fault, order.scope, order.options)}, HTTPStatus.CREATED)
        except ValueError as error:
            raise _bad_request(error) from error

    @table.delete("/_sim/faults")
    async def clear(_: web.Request) -> web.Response:
        await board.clear()
        return web.Response(status=HTTPStatus.NO_CONTENT)

    @table.delete("/_sim/faults/{id}")
    async def lift(request: web.Request) -> web.Response:
        if not await board.lift(request.match_info["id"]):
            return answered({"error": "No such fault is raised; GET /_sim/faults lists those that are."}, HTTPStatus.NOT_FOUND)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    @table.get("/_sim/ledger")
    @table.get("/ledger")
    async def entries(request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            return answered({"error": "since is a sequence number; entries after it are returned."}, HTTPStatus.BAD_REQUEST)
        if request.query.get("applied", "0") != "0":
            return answered({"applied": [entry.as_json() for entry in ledger.applied[int(since) :]]})
        return answered({"received": [entry.as_json() for entry in ledger.received[int(since) :]]})

    @table.get("/_sim/summary")
    async def summary(_: web.Request) -> web.Response:
        return answered(dataclasses.asdict(summarise(ledger)))

    return table


def answered(value: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return *value* as a JSON answer."""
    return web.Response(status=status, body=orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS), content_type="application/json")


async def parsed(request: web.Request, model: type[M]) -> M:
    """
    Return the request's body as *model*.

    Raises:
        web.HTTPBadRequest: It is none; the text says which member is wrong.
    """
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        raise _bad_request(error) from error


def _bad_request(error: ValueError) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=orjson.dumps({"error": in_words(error)}).decode(), content_type="application/json")
