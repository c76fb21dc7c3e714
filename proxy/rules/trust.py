"""
Who may have something recorded while the server cannot vouch for anybody, and who may use the sidecar's own credential (DESIGN §8).

A token's claims are nobody's proof: anyone can write them. What vouches is the exact credential that the server itself accepted, a
signature, a key of ours, or (for what goes up with the sidecar's own credential) a seat at this computer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proxy.rules.loopback import Seat


class Ground(StrEnum):
    """Why somebody is trusted."""

    ACCEPTED = "accepted"
    """The server accepted this very credential, not longer than `trust_for` ago."""
    SIGNED = "signed"
    """A token with a good signature, which has not been over for longer than `trust_for`."""
    CLIENT_KEY = "client-key"
    """A client key of ours."""
    SAME_KEY = "same-key"
    """It brought the sidecar's own credential itself."""
    LOOPBACK = "loopback"
    """A program on this machine, where the sidecar's own credential is what goes up."""


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a request shows.

    `accepted_s` is the age of the server's last acceptance of its credential, `signed_over_s` how long a token with a good signature has
    been over (below 0: it is not), both None where there is none.
    """

    accepted_s: float | None = None
    signed_over_s: float | None = None
    client_key: bool = False
    same_key: bool = False
    seat: Seat = Seat.ELSEWHERE


@dataclass(frozen=True, slots=True)
class Rules:
    """`own_credential`: the sidecar has one of its own."""

    trust_for_s: float
    loopback_trusted: bool
    own_credential: bool


def ground(shown: Shown, rules: Rules) -> Ground | None:
    """Return why the request is trusted; None: a stranger's."""
    if shown.accepted_s is not None and shown.accepted_s <= rules.trust_for_s:
        return Ground.ACCEPTED
    if shown.signed_over_s is not None and shown.signed_over_s <= rules.trust_for_s:
        return Ground.SIGNED
    if shown.client_key:
        return Ground.CLIENT_KEY
    if not rules.own_credential:
        return None
    if shown.same_key:
        return Ground.SAME_KEY
    return Ground.LOOPBACK if shown.seat is Seat.HERE and rules.loopback_trusted else None


def may_use_own(why: Ground | None, shown: Shown, rules: Rules) -> bool:
    """
    Whether the request may go up with the sidecar's own credential while the server is up, which cannot see who made it.

    From another machine only of somebody who is trusted: else whoever reaches the data port would have the centre's credential.
    """
    return not rules.own_credential or why is not None or shown.seat is not Seat.ELSEWHERE
