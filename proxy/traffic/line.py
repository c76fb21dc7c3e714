"""Whether this centre's own line is up: asked of a host that has nothing to do with the upstream (`outage.line_check`)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

WITHIN_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Line:
    """A host and a TCP port beyond the centre's own network, or its gateway."""

    host: str
    port: int

    async def is_up(self) -> bool:
        """Whether anything came back from there within 3 s; a refused connection has, too."""
        try:
            async with asyncio.timeout(WITHIN_S):
                _, writer = await asyncio.open_connection(self.host, self.port)
        except ConnectionRefusedError:
            return True
        except (OSError, TimeoutError):
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True
