"""That the server cannot be asked for a record is told, until it can, or a person has settled it."""

from __future__ import annotations

from pathlib import Path

from proxy.cli.status import _lines
from proxy.operations import repair, replay, status
from proxy.operations.asked import ReplayAsked, SettleAsked
from proxy.traffic.look_ups import TOLD_AFTER
from simulator import Simulator
from tests.operations.test_log_ins import seen
from tests.traffic.centre import a_centre
from tests.traffic.test_failing_look_ups import asked, failing


async def test_a_record_whose_look_up_fails_again_and_again_is_named(tmp_path: Path) -> None:
    async with Simulator(seed=7, people=10) as sim, a_centre(tmp_path, f"{sim.url}/api") as running:
        centre = seen(running)
        await failing(sim, running)
        assert (await status.status(centre))["look_ups_fail"] == []
        for _ in range(TOLD_AFTER):
            await asked(running)
        found = await status.status(centre)
        assert found["look_ups_fail"] == [1]
        assert "fails when it is asked for 1." in dict(_lines(found, "Asia/Kolkata"))["Look-ups fail"]

        assert (await replay.begin(centre, ReplayAsked()))["waiting"] == {"look-up-fails": 1}
        assert (await running.records())[0].due_at == 0, "who asks for a replay does not wait for the back-off"

        await repair.settle(centre, SettleAsked(key="1", reference="4844", by="asha"))
        assert (await status.status(centre))["look_ups_fail"] == []
