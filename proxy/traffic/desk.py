"""A desk that waits for its answer: it is told once, the verdict or the receipt."""

from __future__ import annotations

import asyncio

from aiohttp import web

from proxy.rules.settlement import Told
from proxy.rules.wire import Answer
from proxy.traffic.credentials import Caller


class Desk:
    """
    One waiting client, and whoever taps the same fact again while it waits.

    What is told is decided once, by whoever comes first: the send that has a verdict (`claim`), or the deadline of one who waits
    (`verdict` returns None and the receipt goes out). Both run on one event loop, so there is no moment between asking and deciding.
    """

    def __init__(self, request: web.BaseRequest, caller: Caller) -> None:
        self.caller = caller
        self._requests = [request]
        self._told: Told | None = None
        self._answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def join(self, request: web.BaseRequest) -> None:
        """Let a second tap wait for the same answer."""
        self._requests.append(request)

    def claim(self) -> Told:
        """Return what will be told of a verdict that is there now: the verdict, or (too late, or nobody left) only the receipt."""
        if self._told is None:
            self._told = Told.VERDICT if any(_there(request) for request in self._requests) else self.otherwise
        return self._told

    @property
    def otherwise(self) -> Told:
        """Return what the desk is told where there is no verdict."""
        return Told.NOTHING if self.caller.ground is None else Told.RECEIPT

    def give(self, answer: Answer | None) -> None:
        """Hand over the verdict that was claimed; None: there is none, the receipt is to go out."""
        if not self._answer.done():
            self._answer.set_result(answer)

    async def verdict(self, within_s: float) -> Answer | None:
        """Wait for the verdict, at most *within_s* unless one is already claimed; None: the receipt is to go out."""
        await asyncio.wait((self._answer,), timeout=within_s)
        if not self._answer.done() and self._told is not Told.VERDICT:
            self._told = self.otherwise
            self._answer.set_result(None)
        return await asyncio.shield(self._answer)


def _there(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()
