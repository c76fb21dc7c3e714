"""
Load from Python: `python -m bench.asker URL CONNECTIONS SECONDS FIRST`, what load.lua is to wrk.

The wanted figures are of first trials whose load came from Python (a bare handler then answered 6,400 in a second): an aiohttp client takes
more of the machine's two processors than a bare handler does. With wrk the distance is at its greatest.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import count
from typing import Final

import aiohttp

JSON: Final = {"Content-Type": "application/json"}
BODY_BYTES: Final = 600


def dose(person: int) -> bytes:
    """Return a dose of this person's: 600 bytes of JSON, as load.lua's."""
    body = (
        f'{{"beneficiary_reference_id":"{person:014}","center_id":563048,"vaccine":"COVISHIELD","vaccine_batch":"4121Z012",'
        '"dose":1,"dose1_date":"30-07-2021","vaccinator_name":"Prabha Devi","remarks":"'
    )
    return f'{body}{"x" * (BODY_BYTES - 2 - len(body))}"}}'.encode()


async def main(url: str, connections: int, seconds: float, first: int) -> None:
    """Ask as fast as it is answered; with *first* 0 plain GETs. Prints what load.lua prints."""
    persons, requests, bad = count(first), 0, 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        until_s = time.perf_counter() + seconds

        async def connection() -> None:
            nonlocal requests, bad
            while time.perf_counter() < until_s:
                asked = session.post(url, data=dose(next(persons)), headers=JSON) if first else session.get(url)
                async with asked as answer:
                    await answer.read()
                requests += 1
                bad += not answer.ok

        began = time.perf_counter()
        await asyncio.gather(*(connection() for _ in range(connections)))
    print(json.dumps({"requests": requests, "seconds": time.perf_counter() - began, "bad": bad}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
