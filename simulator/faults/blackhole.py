"""Connections are neither taken nor refused: what is sent to the port goes nowhere."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class Blackhole(LineFault):
    """
    Leaves the port listening with a full queue, so that the kernel drops who wants to connect; open connections are broken.

    So on Linux; elsewhere a full queue may be answered otherwise, on Windows by a refusal.
    """

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.STALLED
