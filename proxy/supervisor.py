"""
What systemd is told, where it started us (sd_notify(3)): that we are ready, alive, stopping, and a line on how the centre stands.

Elsewhere there is no NOTIFY_SOCKET, and nothing is told. The watchdog goes by the event loop alone: a slow disk or a server that is away
is no reason to be killed.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

TELL_EVERY_S: Final = 10.0
"""Between two lines where no watchdog wants them sooner."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """`address` is the supervisor's socket, None where there is none; `every_s` how often it is to hear of us."""

    address: str | None
    every_s: float

    def tell(self, *assignments: str) -> None:
        """Send *assignments* (`READY=1`) in one message. Nothing is waited for; one that cannot be sent is lost, and stops nobody."""
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
                door.setblocking(False)
                door.sendto("\n".join(assignments).encode(), self.address)
        except OSError as error:
            log.warning("the supervisor cannot be told", extra={"action": "supervisor_deaf", "reason": error.strerror})


def supervisor_of(environ: Mapping[str, str]) -> Supervisor:
    """Return whom *environ* names; the watchdog's time is halved, as sd_watchdog_enabled(3) says, and another process's is not ours."""
    named = environ.get("NOTIFY_SOCKET", "")
    known = named[:1] in ("/", "@") and hasattr(socket, "AF_UNIX")
    address = named.replace("@", "\0", 1) if named.startswith("@") else named  # a leading @ stands for an abstract socket
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watchdog = environ.get("WATCHDOG_USEC", "") if ours else ""
    watchdog_s = int(watchdog) / 1e6 if watchdog.isdecimal() else 0.0
    return Supervisor(address if known else None, min(TELL_EVERY_S, watchdog_s / 2) if watchdog_s else TELL_EVERY_S)
