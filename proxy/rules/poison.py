"""Whether a record fails by its own fault: it fails again and again while others succeed, so the upstream is there and does not want it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

FAILURES: Final = 3
OTHER_LANES: Final = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """
    What is known against one record; a success of its own ends its trial, and so does an outage.

    `generation` is the circuit's in which it has failed so often: what failed when each of three outages began, and was good enough for
    the server in between, is no fault of the record's, though others succeeded there.
    """

    lanes: frozenset[bytes]
    generation: int = 0
    failures: int = 0
    others: frozenset[bytes] = frozenset()

    @property
    def poison(self) -> bool:
        """Whether it is to be held."""
        return self.failures >= FAILURES and len(self.others) >= OTHER_LANES


def failed(trial: Trial, generation: int) -> Trial:
    """
    Return *trial* after a failure that can be the record's own: the upstream answered, or broke off, after it was sent.

    *generation* is the circuit's now.
    """
    if generation != trial.generation:
        return Trial(trial.lanes, generation, failures=1)
    return replace(trial, failures=trial.failures + 1)


def succeeded(trial: Trial, lanes: Collection[bytes]) -> Trial:
    """Return *trial* after a record of *lanes* was accepted; nothing counts before the first failure, and no lane of its own."""
    if not trial.failures or len(trial.others) >= OTHER_LANES:
        return trial
    return replace(trial, others=trial.others | (frozenset(lanes) - trial.lanes))
