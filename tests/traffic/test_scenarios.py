"""The days that come with the simulator, with a sidecar in front of it and a desk that goes on working: the ledger is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from simulator import Simulator
from simulator.scenario.player import Player
from simulator.scenario.reading import load_scenario
from store.records import RecordState
from tests.traffic.centre import Centre, doses_applied, people


@pytest.mark.parametrize("scenario", ["rudrapur-30-july", "may-june-waf", "flapping-line"])
async def test_a_day_loses_no_dose_repeats_none_and_keeps_their_order(sim: Simulator, centre: Centre, scenario: str) -> None:
    due = doses_of(people(sim))
    given: list[tuple[str, int | None]] = []

    async def reach(_: float) -> None:
        for person, dose in islice(due, 1):
            told = await centre.vaccinate(person, dose)
            assert told.status == 200
            given.append((person, dose))

    await Player(sim.faults, sim.register.change, lambda _: None).play(load_scenario(scenario), reach)
    await centre.until_all(RecordState.DELIVERED, len(given), within_s=45)
    applied = doses_applied(sim)
    assert sorted(applied) == sorted(given)
    assert all(applied.index((person, 1)) < applied.index((person, dose)) for person, dose in applied if dose == 2)


def doses_of(persons: list[str]) -> Iterator[tuple[str, int]]:
    """Yield first and second doses, each person's second some people later."""
    for first, second in zip(persons, [None, None, *persons], strict=False):
        yield first, 1
        if second is not None:
            yield second, 2
