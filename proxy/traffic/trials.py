"""Records that fail while others succeed: after three times it is the record, not the server (DESIGN §4)."""

from __future__ import annotations

from proxy.rules.circuit import Sign
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import Outcome, OutcomeKind
from proxy.rules.poison import Trial, failed, succeeded
from proxy.traffic.latest import Latest
from store.records import Record


class Trials:
    """
    What is known against each record that failed, as long as this process runs.

    One that was settled otherwise than by a send (found by its look-up, say) stays until others push it out.
    """

    def __init__(self) -> None:
        self._of = Latest[int, Trial]()

    def poison(self, record: Record, outcome: Outcome, generation: int) -> bool:
        """Take the outcome of a send into account, in a *generation* of the circuit; return whether *record* is to be held for it."""
        if sign_of(outcome.kind) is Sign.GOOD:
            self._of.pop(record.number, None)
            # One record at a time is under way in a lane: its id speaks for the lane.
            self._of.update({number: succeeded(trial, (record.id,)) for number, trial in self._of.items()})
            return False
        if outcome.kind not in (OutcomeKind.UNKNOWN, OutcomeKind.UNAVAILABLE):
            return False
        trial = failed(self._of.get(record.number, Trial(frozenset((record.id,)))), generation)
        self._of.note(record.number, trial)
        if not trial.poison:
            return False
        del self._of[record.number]
        return True
