"""The head of a request taken apart: a desk's software sends the same one with every look-up, so that is done once for each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from proxy.rules.fields import forwardable, split_credentials
from proxy.rules.loopback import Seat, seat
from proxy.rules.wire import Fields


@dataclass(frozen=True, slots=True)
class Head:
    """The fields that go on, those of them that are credentials apart, and where the request comes from."""

    fields: Fields
    credential: Fields = field(repr=False)
    seat: Seat


@lru_cache(256)
def head(peer: str, whole: Fields, credentials: frozenset[bytes], origins: frozenset[str]) -> Head:
    """
    Take a head apart.

    Args:
        peer: Address at the other end of the connection.
        whole: All fields, as they came.
        credentials: Names of the credential fields, lower case.
        origins: Of pages that the operator has named.
    """
    fields, credential = split_credentials(forwardable(whole), credentials)
    return Head(fields, credential, seat(peer, whole, origins))
