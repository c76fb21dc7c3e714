"""The server's certificate has expired."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class TlsExpired(LineFault):
    """Shows a certificate that was good until an hour ago; the port has to speak TLS. Open connections are broken."""

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.EXPIRED
