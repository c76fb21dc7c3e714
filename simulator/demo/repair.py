"""A person repairs what the server refused, with the commands that there are for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from simulator.demo.plan import REFUSED_BATCH
from simulator.demo.processes import Failed, said
from simulator.demo.sidecar import Sidecar
from simulator.desks import Coming, DayBook
from simulator.forms import BATCHES

REASON: Final = "batch number misread on the vial"


async def held_for_their_batch(sidecar: Sidecar, book: DayBook, queue: Sequence[Coming]) -> dict[str, str]:
    """Return the records that are held because a batch was misread, and the batch that was meant."""
    misread = {one.due.who: BATCHES[one.due.vaccine] for one in queue if one.due.batch == REFUSED_BATCH}
    states = await sidecar.states() if misread else {}
    return {one.record: misread[one.entry.who] for one in book.entered if one.entry.who in misread and states.get(one.record) == "held"}


async def repair(record: str, member: str, batch: str, configuration: Path, show: Callable[[str], None]) -> None:
    """
    Find *record* among those held, and correct its *batch*, which is in *member*; each command line, and what it said, is shown.

    Raises:
        Failed: A command did not do its work, or the record is not held.
    """
    listed = await _run(configuration, show, "records", "list", "--state", "held", "--json")
    held = {entry["id"]: entry for entry in json.loads(listed)}
    if record not in held:
        raise Failed(f"The server refused record {record}, but it is not held for a person.")
    show(f"  record {held[record]['number']}: {held[record]['reason']}")
    edit = ("--set", f"{member}={batch}", "--reason", REASON, "--by", "demo")
    edited = await _run(configuration, show, "records", "edit", str(held[record]["number"]), *edit)
    show("\n".join(f"  {line}" for line in edited.splitlines()))


async def try_again(configuration: Path, show: Callable[[str], None]) -> None:
    """
    Let what a brown-out held be tried again, by a person who sees that the server is well: it is looked up before it is sent.

    Raises:
        Failed: A command did not do its work.
    """
    said_ = await _run(
        configuration, show, "records", "retry", "--cause", "poison", "--reason", "the server is well again", "--by", "demo", "--yes"
    )
    show("\n".join(f"  {line}" for line in said_.splitlines()))


async def _run(configuration: Path, show: Callable[[str], None], *arguments: str) -> str:
    show(f"$ {shlex.join(('dosekeeper', *arguments))}")
    return await said("proxy", "--config", str(configuration), *arguments)
