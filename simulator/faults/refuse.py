"""Connections are refused: nothing listens on the port."""

from __future__ import annotations

from simulator.faults.fault import Line, LineFault


class Refuse(LineFault):
    """Really closes the listening socket, and breaks the connections that are open."""

    async def begin(self, line: Line) -> None:
        """Close the port."""
        await line.cut()

    async def end(self, line: Line) -> None:
        """Listen on it again."""
        await line.mend()
