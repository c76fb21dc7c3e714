"""
A journal at work, whose every write is traced: `python -m tests.proof.busy_journal JOURNAL DOSES`.

DOSES are those of each desk, in each of two lives: the second opens what the first has closed.

What desks and persons are told goes into the file `told` beside it, so that it has its place among the writes: `kept ID`, then
`delivered ID` or `held ID`, then `decided ID` (all hexadecimal), and `noted` for each entry of the audit that changes no record.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from store.decisions import Act, Decided
from store.file import connection
from store.journal import Journal
from store.records import Recorded, RecordState, Settlement, StoredAnswer
from tests.disk.scenes import a_record
from tests.store.helpers import KEY, NOON

DESKS: Final = 6

FOLDED_PAGES: Final = 60
"""The log is folded into the file so soon that a short run has many checkpoints; the product waits for 4000 pages."""

BY: Final = Act("Asha Rawat (invented)", "the batch was recalled")
ANSWER: Final = StoredAnswer(200, "OK", b"Content-Type: application/json\r\n", bytes(300))


async def desk(journal: Journal, tell: Callable[[str], None], numbers: range) -> None:
    for number in numbers:
        new = a_record(number, size=400)
        kept = await journal.record(new, send=True)
        assert isinstance(kept, Recorded)
        tell(f"kept {new.id.hex()}")
        refused = number % 4 == 0
        verdict = Settlement(RecordState.HELD, "refused", "refused http_400") if refused else Settlement(RecordState.DELIVERED, "accepted")
        assert await journal.settle(kept.number, 1, verdict, NOON + number, answer=ANSWER)
        tell(f"{verdict.state} {new.id.hex()}")
        if number % 8 == 0:
            held = await journal.get(kept.number)
            assert held is not None
            assert isinstance(await journal.discard(held, BY, NOON + number), Decided)
            tell(f"decided {new.id.hex()}")
        if number % 5 == 0:
            await journal.note(BY.by, "export", BY.reason, NOON + number)
            tell("noted")


async def night(journal: Journal) -> None:
    """Forget, give room back, and fold the log in, as the night does."""
    while await journal.purge(NOON + 10, NOON + 20):
        pass
    while await journal.give_back():
        pass
    await journal.fold_in()


async def main() -> None:
    path = Path(sys.argv[1])
    connection._PRAGMAS = (*connection._PRAGMAS, f"wal_autocheckpoint = {FOLDED_PAGES}")  # type: ignore[misc, assignment]
    told = os.open(path.with_name("told"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(word: str) -> None:
        os.write(told, f"{word}\n".encode())

    doses = int(sys.argv[2])
    desks = [range(1 + number * doses, 1 + (number + 1) * doses) for number in range(3 * DESKS)]
    for life in range(2):
        journal = await Journal.open(path, KEY)
        try:
            await asyncio.gather(*(desk(journal, tell, numbers) for numbers in desks[life::3]))
            if not life:
                await night(journal)
                await asyncio.gather(*(desk(journal, tell, numbers) for numbers in desks[2::3]))
        finally:
            await journal.close()


if __name__ == "__main__":
    asyncio.run(main())
