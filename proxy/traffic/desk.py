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
        self.ended = asyncio.Event()
        """Set when the send is over, and what came of it is in the journal."""
        self._requests = [request]
        self._vouched = caller.ground is not None
        self._told: Told | None = None
        self._answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def join(self, request: web.BaseRequest, caller: Caller) -> bool:
        """
        Let a second tap wait for the same answer; False where it is decided already that nothing is recorded.

        Once somebody who is trusted waits too there is a receipt to be kept, whoever came first.
        """
        if self._told is Told.NOTHING:
            return False
        self._requests.append(request)
        self._vouched |= caller.ground is not None
        return True

    def claim(self, *, verdict: bool) -> Told:
        """Return what is told now that the send is over: the *verdict*, or (if there is none, or too late, or nobody left) the rest."""
        if self._told is None:
            self._told = Told.VERDICT if verdict and any(_there(request) for request in self._requests) else self._otherwise
        return self._told

    @property
    def _otherwise(self) -> Told:
        return Told.RECEIPT if self._vouched else Told.NOTHING

    def give(self, answer: Answer | None) -> None:
        """Hand over the verdict that was claimed; None: there is none, the receipt is to go out."""
        if not self._answer.done():
            self._answer.set_result(answer)

    async def verdict(self, within_s: float) -> Answer | None:
        """Wait for the verdict, at most *within_s* unless one is already claimed; None: the receipt is to go out."""
        await asyncio.wait((self._answer,), timeout=within_s)
        if not self._answer.done() and self._told is not Told.VERDICT:
            self._told = self._otherwise
            self._answer.set_result(None)
        return await asyncio.shield(self._answer)


def _there(request: web.BaseRequest) -> bool:
    return request.transport is not None and not request.transport.is_closing()
