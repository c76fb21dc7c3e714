"""Ports for the processes that tests start."""

from __future__ import annotations

import os
import socket
from itertools import cycle
from typing import Final

_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_MANY: Final = 3_000
_FIRST: Final = 16_000 + _MANY * (_WORKER % 4)
_PORTS: Final = cycle(range(_FIRST, _FIRST + _MANY))


def free_ports(count: int) -> list[int]:
    """
    Return ports of this machine that nobody listens on.

    Not those that the system gives out: it may give one to somebody's outgoing connection before the process that is to have it has
    begun. Each worker of the test run has a range of its own, and goes through it once before it begins again.
    """
    found: list[int] = []
    while len(found) < count:
        port = next(_PORTS)
        with socket.socket() as asked:
            try:
                asked.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found
