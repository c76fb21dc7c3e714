"""The operator's hold is set, extended or released in the very moment in which the keeper looks at it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.operations import holding
from proxy.operations.centre import Centre as Operated
from proxy.operations.holding import HoldKeeper
from store.operator_hold import OperatorHold
from tests.traffic.centre import Centre, JumpingClock, traffic_of


@pytest.fixture
def operated(centre: Centre) -> Operated:
    sidecar = centre.sidecar
    return Operated(sidecar.journal, JumpingClock(), sidecar.persons, traffic_of(sidecar))


def keeper_of(operated: Operated, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[object]]) -> HoldKeeper:
    """A keeper for whom *meanwhile* happens once, when it has read the hold and done nothing yet."""
    assert operated.traffic is not None
    read, done = operated.journal.operator_hold, list[None]()

    async def read_before() -> OperatorHold | None:
        found = await read()
        if not done:
            done.append(None)
            await meanwhile()
        return found

    monkeypatch.setattr(operated.journal, "operator_hold", read_before)
    return HoldKeeper(operated.journal, operated.traffic.circuits, operated.clock)


async def test_a_hold_that_is_extended_as_its_time_is_over_stays(operated: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, journal, traffic = operated.clock, operated.journal, operated.traffic
    assert isinstance(clock, JumpingClock)
    assert traffic is not None
    await holding.hold(operated, clock.wall() + 60_000, "maintenance", "asha")
    clock.suspended_s = 61.0
    longer = clock.wall() + 3_600_000
    keeper = keeper_of(operated, monkeypatch, lambda: journal.hold(longer, "and longer", "asha", clock.wall()))
    assert await keeper.step() == 0.0, "it is looked at once more"
    assert traffic.circuits.held
    assert await keeper.step() == pytest.approx(3600, abs=5)
    assert traffic.circuits.held
    assert [entry.action for entry in await journal.audit_entries()] == ["hold", "hold"]


async def test_a_hold_that_is_released_while_it_is_looked_at_is_looked_at_again(
    operated: Operated, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = operated.traffic
    assert traffic is not None
    await holding.hold(operated, None, "maintenance", "asha")
    keeper = keeper_of(operated, monkeypatch, lambda: holding.release(operated, "asha"))
    await traffic.hold_bell.wait(5)
    await keeper.step()
    async with asyncio.timeout(5):
        await traffic.hold_bell.wait(None)
    await keeper.step()
    assert not traffic.circuits.held
