"""A national registration server that keeps a ledger of what it received and applied, and can fail on command."""

from simulator.server import Api, Simulator

__all__ = ["Api", "Simulator"]
