"""Every connection is reset as soon as it is there; on a TLS port that is in the middle of the handshake."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class ResetPeer(LineFault):
    """Takes each connection and resets it before a byte is read; open connections are broken."""

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.RESET
