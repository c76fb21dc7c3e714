"""Connections are refused: nothing listens on the port."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class Refuse(LineFault):
    """Really closes the listening socket, and breaks the connections that are open."""

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.CUT
