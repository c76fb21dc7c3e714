"""Whether the centre can record. An outage of the upstream is no reason not to be ready."""

from __future__ import annotations

import asyncio
from typing import Final

from proxy.operations.centre import Centre
from store.errors import JournalError
from store.outages import Seen

PATIENCE_S: Final = 2.0
"""A journal that takes longer than this keeps no desk's record in time."""

NO_OUTAGE: Final = 0
"""The ledger counts from 1."""
NEVER: Final = Seen(0, 0, "", 0.0)


async def can_record(centre: Centre) -> bool:
    """Whether the journal takes a read and a write, soon enough; the write passes the writer and changes nothing."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await centre.journal.operator_hold()
            await centre.journal.add_unobserved(NO_OUTAGE, 0, NEVER)
    except (JournalError, TimeoutError):
        return False
    return True
