"""Whether the centre can record. An outage of the upstream is no reason not to be ready."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from proxy.operations.centre import Centre
from proxy.operations.groups import circuit_is_open
from store.errors import JournalError
from store.file.standing import SLOW_S, Why

PATIENCE_S: Final = 0.5
"""A health check is given a second where it runs in Kubernetes; a journal that takes longer to be read keeps no desk's record in time."""

DOSE_BYTES: Final = 4096
"""What a dose takes: 1.3 KiB in the file with its answer and its keys (measured), the rest for its way through the log."""

WORDS: Final[Mapping[Why, tuple[str, str] | None]] = {
    Why.WELL: None,
    Why.SHORT: (
        "the disk is nearly full; there is room for about {doses} more doses",
        "Make room on the journal's disk. How much there is: dosekeeper check",
    ),
    Why.FULL: (
        "the disk is full; doses are passed on to the server while it is up, else the desks are told to use paper",
        "Make room on the journal's disk; recording goes on by itself. How much there is: dosekeeper check",
    ),
    Why.FAILING: (
        "the disk gives errors when the journal is written",
        "Touch nothing in the journal's folder, and have the disk looked at (its log: dmesg); recording goes on by itself if it recovers",
    ),
    Why.SLOW: (
        f"the disk has taken more than {SLOW_S:.0f} s for one write",
        "See what else keeps the disk busy, or whether it fails (its log: dmesg); recording goes on by itself",
    ),
    Why.MENDING: ("a damaged journal is being put right", "Wait a moment, then see what was found: dosekeeper journal check"),
    Why.CLOSED: ("the journal is closed", "Start the service: dosekeeper serve"),
}
"""How the journal stands → what that is, and what to do next; None: nothing is to be said."""


def recording(centre: Centre) -> dict[str, Any]:
    """Return whether doses can be recorded, and if something is wrong with the disk, what and what to do; nothing is waited for."""
    now = centre.journal.standing()
    reason, next_step = WORDS[now.why] or (None, None)
    doses = None if now.left is None else now.left // DOSE_BYTES
    return {"can_record": now.can_record, "reason": reason and reason.format(doses=doses), "next_step": next_step}


def in_a_line(centre: Centre) -> str:
    """Return how a running service stands, in a line for `systemctl status`; nothing is waited for."""
    now = recording(centre)
    if not now["can_record"]:
        return f"NOT RECORDING: {now['reason']}. {now['next_step']}"
    down = centre.traffic is not None and any(circuit_is_open(centre.traffic, group) for group in centre.record_groups())
    server = "The national server is down; doses are kept" if down else "The national server is up"
    return server if now["reason"] is None else f"{server}; {now['reason']}"


async def can_record(centre: Centre) -> bool:
    """Whether a record can be kept: as the writes have shown, and a read shows now."""
    if not centre.journal.standing().can_record:
        return False
    try:
        async with asyncio.timeout(PATIENCE_S):
            await centre.journal.operator_hold()
    except (JournalError, TimeoutError):
        return False
    return True
