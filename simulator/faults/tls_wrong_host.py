"""The server's certificate is another host's."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class TlsWrongHost(LineFault):
    """Shows a certificate of another host; the port has to speak TLS. Open connections are broken."""

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.WRONG_HOST
