"""
The one place where something is tried again: tenacity lives here and nowhere else.

Replay, probing and the journal's upkeep are each a *step* that says when it wants to run next. A step that raises is not the end of
it: it is logged, waited for with full jitter, and run again, because a sidecar whose replay has quietly died is worse than none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, retry_if_not_exception_type, wait_random_exponential

from store.errors import JournalError, JournalRefused

log = logging.getLogger(__name__)

WAIT_AFTER_FAILURE: Final = wait_random_exponential(multiplier=1, max=60)

WAIT_FOR_DISK: Final = wait_random_exponential(multiplier=0.2, max=5)
"""For the journal: it troubles nobody but our own disk, and a record that is not settled keeps its person's next one waiting."""

T = TypeVar("T")

Step = Callable[[], Awaitable[float | None]]
"""Does what is due and returns seconds until it wants to run again; None: not until woken."""


class Wake:
    """A bell: whoever waits goes on at once when it is rung; one ring before the wait counts too."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """End the present wait, or the next one at once."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Wait until rung, at most *seconds* (None: without end)."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()


async def keep_running(name: str, step: Step, wake: Wake) -> None:
    """Run *step* again and again until cancelled, each time when it asked to be or when *wake* rings."""

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.error("step failed", extra={"action": "step_failed", "step": name, "error": type(error).__name__}, exc_info=error)

    # Not BaseException: tenacity would take a cancellation for a failure and never end.
    trying = AsyncRetrying(retry=retry_if_exception_type(Exception), wait=WAIT_AFTER_FAILURE, before_sleep=report)
    while True:
        await wake.wait(await _tried(step, Exception, lambda: trying))


async def until_kept(act: Callable[[], Awaitable[T]], first_failure: Callable[[], None]) -> T:
    """
    Do *act* on the journal until it succeeds, and return what it returned; what breaks the journal's own rules is raised at once.

    What a send came to must reach the journal, or its record is looked up although the answer was here.

    Args:
        act: One verb of the journal; harmless when done twice.
        first_failure: Called when the first try failed, for whoever cannot wait longer.
    """

    def report(state: RetryCallState) -> None:
        first_failure()
        log.error("journal did not take a settlement", extra={"action": "settle_failed", "tries": state.attempt_number})

    def trying() -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception_type(JournalError) & retry_if_not_exception_type(JournalRefused),
            wait=WAIT_FOR_DISK,
            before_sleep=report,
        )

    return await _tried(act, JournalError, trying)


async def _tried(act: Callable[[], Awaitable[T]], failing: type[Exception], trying: Callable[[], AsyncRetrying]) -> T:
    """Return what *act* returns. tenacity is asked only once it has failed: for each step it takes nearly as long as the step."""
    try:
        return await act()
    except failing as error:
        failures = [error]

    async def once() -> T:  # tenacity awaits what was defined with `async def` only; a lambda's coroutine it would drop
        if failures:
            raise failures.pop()  # the first try was made above
        return await act()

    return await trying()(once)
