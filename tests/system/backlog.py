"""A backlog, kept by a process that is then killed: `python -m tests.system.backlog JOURNAL KEY_FILE RECORDS` says `kept` and waits."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from store.file.lock import Role
from store.journal import open_journal
from store.records import NewRecord
from tests.store.helpers import NOON
from tests.traffic.centre import VACCINATE, a_dose

CUT_OFF: Final = 8
"""So many of the records are under way when the process ends."""

TOGETHER: Final = 500


def a_write(number: int) -> NewRecord:
    own = number.to_bytes(16)
    headers = b"Content-Type: application/json\r\nAccept: application/json\r\n"
    body = json.dumps(a_dose(f"{10**13 + number}")).encode()
    return NewRecord(own, "vaccinate", "vaccinator", (own,), "POST", f"/api{VACCINATE}", headers, body, NOON + number, natural_key=own)


async def main() -> None:
    path, key_file, records = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    journal = await open_journal(path, key_file, {}, Role.SERVICE)
    for first in range(0, records, TOGETHER):
        some = range(first, min(records, first + TOGETHER))
        await asyncio.gather(*(journal.record(a_write(number), send=number < CUT_OFF) for number in some))
    sys.stdout.write("kept\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
