"""The demo: a national server, a sidecar and the desks of a centre, an outage, and what the server's ledger says of it."""

from simulator.demo.command import main

__all__ = ["main"]
