"""The server's certificate is from an authority that nobody trusts: a proxy that breaks TLS open."""

from __future__ import annotations

from simulator.faults.fault import LineFault, Trouble


class TlsUntrusted(LineFault):
    """Shows a certificate that another authority has signed; the port has to speak TLS. Open connections are broken."""

    @property
    def trouble(self) -> Trouble:
        """What the line does."""
        return Trouble.UNTRUSTED
