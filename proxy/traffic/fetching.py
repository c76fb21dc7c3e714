"""A question to the upstream that goes on when the desk has its answer from elsewhere: what comes late is remembered all the same."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from proxy.rules.outcome import OutcomeKind
from proxy.rules.stamps import Stamp
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind
from proxy.traffic.upstream import Broken, Outgoing, StreamedAnswer, Upstream

WHOLE_MAX: Final = 8 * 1024 * 1024
"""Bytes of an answer that are held in memory; a longer one is asked for again and streamed."""


@dataclass(frozen=True, slots=True)
class TooLong:
    """The answer is longer than `WHOLE_MAX`; how it begins is in `head`."""

    head: Answer


Fetched = Exchange | TooLong


@dataclass(slots=True)
class Fetch:
    """One question under way, asked `at`; `began` once the upstream has begun to answer, `meant` what an answer means by the profile."""

    at: Stamp
    began: bool = False
    meant: OutcomeKind | None = None
    _whole: asyncio.Future[Fetched] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def run(self, upstream: Upstream, outgoing: Outgoing) -> Fetched:
        """Ask, and return what came."""
        fetched: Fetched = Failure(FailureKind.PROTOCOL, sent=True)
        try:
            async with upstream.stream(outgoing) as answer:
                if isinstance(answer, Failure):
                    fetched = answer
                else:
                    self.began = True
                    fetched = await _read(answer)
        finally:
            self._whole.set_result(fetched)
        return fetched

    async def within(self, seconds: float) -> Fetched | None:
        """Return what came, None where it is not there within *seconds*."""
        await asyncio.wait((self._whole,), timeout=seconds)
        return self._whole.result() if self._whole.done() else None

    async def whole(self) -> Fetched:
        """Wait for the end of an answer that has begun: at most the upstream's `read_timeout`."""
        return await asyncio.shield(self._whole)


async def _read(answer: StreamedAnswer) -> Fetched:
    if answer.whole is not None:
        return Answer(answer.status, answer.reason, answer.fields, answer.whole)
    parts: list[bytes] = []
    size = 0
    try:
        async for chunk in answer.chunks:
            size += len(chunk)
            if size > WHOLE_MAX:
                return TooLong(Answer(answer.status, answer.reason, answer.fields, b""))
            parts.append(chunk)
    except Broken:
        return Failure(FailureKind.TRUNCATED, sent=True)
    return Answer(answer.status, answer.reason, answer.fields, b"".join(parts))
