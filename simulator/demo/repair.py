"""A person repairs what the server refused, with the commands that there are for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from simulator.demo.processes import Failed, said
from simulator.forms import BATCH

REFUSED_BATCH: Final = "4121Z0I2"
"""The digit 1 read as a letter, as it happens with vials."""

REASON: Final = "batch number misread on the vial"


async def repair(record: str, member: str, configuration: Path, show: Callable[[str], None]) -> None:
    """
    Find *record* among those held, and correct its batch, which is in *member*; each command line, and what it said, is shown.

    Raises:
        Failed: A command did not do its work, or the record is not held.
    """
    listed = await _run(configuration, show, "records", "list", "--state", "held", "--json")
    held = {entry["id"]: entry for entry in json.loads(listed)}
    if record not in held:
        raise Failed(f"The server refused record {record}, but it is not held for a person.")
    show(f"  record {held[record]['number']}: {held[record]['reason']}")
    edit = ("--set", f"{member}={BATCH}", "--reason", REASON, "--by", "demo")
    edited = await _run(configuration, show, "records", "edit", str(held[record]["number"]), *edit)
    show("\n".join(f"  {line}" for line in edited.splitlines()))


async def _run(configuration: Path, show: Callable[[str], None], *arguments: str) -> str:
    show(f"$ {shlex.join(('dosekeeper', *arguments))}")
    return await said("proxy", "--config", str(configuration), *arguments)
