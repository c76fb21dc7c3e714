"""A head is taken apart once for each that is the same in every byte, and from the same place."""

from __future__ import annotations

from proxy.rules.heads import Head, head
from proxy.rules.loopback import Seat

ACCEPT = (b"Accept", b"*/*")
NAMES = frozenset({b"x-api-key"})
NOBODY: frozenset[str] = frozenset()


def test_what_differs_in_anything_is_another_head() -> None:
    one, other = (b"X-Api-Key", b"one"), (b"X-Api-Key", b"two")
    for _ in range(2):
        assert head("127.0.0.1", (ACCEPT, one), NAMES, NOBODY) == Head((ACCEPT,), (one,), Seat.HERE)
        assert head("127.0.0.1", (ACCEPT, other), NAMES, NOBODY) == Head((ACCEPT,), (other,), Seat.HERE)
        assert head("10.0.0.1", (ACCEPT, one), NAMES, NOBODY) == Head((ACCEPT,), (one,), Seat.ELSEWHERE)
        assert head("127.0.0.1", (ACCEPT, one), frozenset(), NOBODY) == Head((ACCEPT, one), (), Seat.HERE)
        assert head("127.0.0.1", ((b"Via", b"x"), one), NAMES, NOBODY) == Head((), (one,), Seat.FORWARDED)
