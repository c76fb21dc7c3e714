"""A desk that waits for its answer: it is told once, the verdict or the receipt."""

from __future__ import annotations

import asyncio

from aiohttp import web

from proxy.rules.settlement import Told
from proxy.rules.wire import Answer


class Desk:
    """
    One waiting client.

    What it is told is decided once, by whoever comes first: the send that has a verdict (`claim`), or the deadline (`verdict`
    returns None and the receipt goes out). Both run on one event loop, so there is no moment between asking and deciding.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._told: Told | None = None
        self._answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

    def claim(self) -> Told:
        """Return what the desk will be told of a verdict that is there now: the verdict, or (too late, or gone) only the receipt."""
        if self._told is None:
            transport = self._request.transport
            there = transport is not None and not transport.is_closing()
            self._told = Told.VERDICT if there else Told.RECEIPT
        return self._told

    def give(self, answer: Answer | None) -> None:
        """Hand over the verdict that was claimed; None: there is none, the receipt is to go out."""
        if not self._answer.done():
            self._answer.set_result(answer)

    async def verdict(self, within_s: float) -> Answer | None:
        """Wait for the verdict, at most *within_s* unless one is already claimed; None: the desk gets the receipt."""
        await asyncio.wait((self._answer,), timeout=within_s)
        if self._answer.done():
            return self._answer.result()
        if self._told is Told.VERDICT:
            return await self._answer
        self._told = Told.RECEIPT
        return None
