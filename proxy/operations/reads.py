"""What is remembered of the server's answers: how much, and the end of it."""

from __future__ import annotations

from typing import Any

from proxy.operations.asked import PurgeReadsAsked
from proxy.operations.centre import Centre


async def purge(centre: Centre, asked: PurgeReadsAsked) -> dict[str, Any]:
    """Forget all that is remembered, a batch at a time: the desks' records go between them. Records are not touched."""
    memory = None if centre.traffic is None else centre.traffic.memory
    if memory is not None:
        memory.drop_all()
    forgotten = 0
    while count := await centre.journal.shed():
        forgotten += count
        await centre.journal.fold_in()  # on a disk that is short the log must not take what room is left
    if memory is not None:
        memory.drop_all()  # who asked meanwhile may have found it still there
    while await centre.journal.give_back():
        await centre.journal.fold_in()
    await centre.journal.note(asked.by, "reads-purge", asked.reason, centre.clock.wall(), {"answers": forgotten})
    return {"forgotten": forgotten}


async def remembered(centre: Centre) -> dict[str, int]:
    """Return how many answers are remembered, and about how many bytes they take."""
    total = await centre.journal.remembered()
    return {"answers": total.answers, "bytes": total.bytes}


async def coverage(centre: Centre) -> dict[str, int] | None:
    """Return how many persons are expected or were looked up, and how many an outage would find; None where nothing is warmed up."""
    covered = await centre.traffic.warm_up.coverage() if centre.traffic is not None and centre.traffic.warm_up is not None else None
    return None if covered is None else {"persons": covered.persons, "found": covered.found}
