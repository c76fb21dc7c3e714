"""Ids of records: ULIDs (github.com/ulid/spec), so that they sort by time and nobody guesses one."""

from __future__ import annotations

import secrets
from typing import Final

RANDOM_BYTES: Final = 10
"""Of each id; the other six are its time, milliseconds UTC."""

AT_A_TIME: Final = 256
"""Ids for which the system is asked for randomness at once: to be asked for each took 10 us, half of it waiting for the interpreter."""


class RecordIds:
    """Makes ids."""

    def __init__(self) -> None:
        self._random = b""

    def new(self, now: int) -> bytes:
        """Return the id of a record made *now*, wall-clock milliseconds UTC."""
        if not self._random:
            self._random = secrets.token_bytes(RANDOM_BYTES * AT_A_TIME)
        own, self._random = self._random[:RANDOM_BYTES], self._random[RANDOM_BYTES:]
        return now.to_bytes(16 - RANDOM_BYTES, "big") + own
