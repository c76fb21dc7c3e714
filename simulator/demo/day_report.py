"""The report of that Friday: what a centre's sidecar measured, by its own command, told in the time of the day that is played."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from simulator import clock
from simulator.demo.history import Clock
from simulator.demo.processes import said
from simulator.demo.sidecar import Sidecar

MIDNIGHT: Final = datetime.fromisoformat("2021-07-30T00:00:00+05:30")

AS_IT_WAS: Final = frozenset({"longest_wait_s"})
"""Not sped up: a desk's wait."""


async def day_report(sidecar: Sidecar, day: Clock, folder: Path) -> str:
    """
    Return the report of *sidecar* from the opening of the desks to now, as its command writes it.

    Raises:
        Failed: The command did not do its work.
    """
    since, until = (datetime.fromtimestamp(at / 1000, UTC).isoformat() for at in (day.opened_at, clock.now().at))
    command = ("proxy", "--config", str(sidecar.configuration), "outages", "report")
    measured = json.loads(await said(*command, "--from", since, "--to", until, "--format", "json"))
    file = folder / "outages.json"
    file.write_text(json.dumps(of_the_day(measured, day)), "utf-8")
    return await said(*command, "--of", str(file))


def of_the_day(told: Any, day: Clock, name: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return a report with its times and lengths (members that end in `_s`) as they would have been that day."""
    if isinstance(told, dict):
        return {key: of_the_day(value, day, key) for key, value in told.items()}
    if isinstance(told, list):
        return [of_the_day(value, day, name) for value in told]
    if name.endswith("_s") and name not in AS_IT_WAS:
        return told * day.speed
    if isinstance(told, str) and told.endswith("Z") and (at := _milliseconds(told)) is not None:
        return (MIDNIGHT + timedelta(minutes=day.exactly(at))).isoformat()
    return told


def _milliseconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() * 1000
    except ValueError:
        return None
