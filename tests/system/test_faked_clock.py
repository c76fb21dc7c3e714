"""A real process whose clock is set while it runs: libfaketime answers its system calls, all else is as at a centre."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from store.file.lock import Role
from store.journal import open_journal
from store.outage_ledger import OutageFilter
from store.record_search import RecordFilter
from tests.cli.centre import a_centre
from tests.traffic.centre import doses_applied, people

LIBRARY = next((path for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
REQUIRED = "LIBFAKETIME_REQUIRED" in os.environ
"""Set by `.ci/run` where it can be installed: what could be tried there must not be passed over."""


@pytest.mark.skipif(LIBRARY is None and not REQUIRED, reason="libfaketime is not installed; on Debian: apt install libfaketime")
async def test_a_clock_set_a_day_ahead_and_two_days_back_in_an_outage(tmp_path: Path) -> None:
    assert LIBRARY is not None, "libfaketime is not installed"
    setting = tmp_path / "offset"

    def set_clock(offset: str) -> None:
        new = setting.with_suffix(".new")
        new.write_text(offset)
        new.replace(setting)  # never half written: the process reads it at each look at the clock

    set_clock("+0")
    store: dict[str, Any] = {"DOSEKEEPER_STORE__PATH": str(tmp_path / "j.db"), "DOSEKEEPER_STORE__KEY_FILE": str(tmp_path / "j.key")}
    faked: dict[str, Any] = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(setting),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # nobody can set that one, CLOCK_BOOTTIME included
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # its mend for a glibc long gone makes Python's threads wait up to a second for each other
    }
    async with Simulator(seed=11, people=30) as sim, a_centre(tmp_path, f"{sim.url}/api") as centre:
        persons = people(sim)[:4]
        async with centre.serving(**store, **faked) as service:
            await centre.vaccinate(persons[0])
            await service.logged("settle", state="delivered")
            began_s = time.monotonic()
            await sim.faults.add("refuse")
            await service.logged("outage_began", group="vaccinator")
            for person, offset in zip(persons[1:], ("+0", "+1d", "-2d"), strict=True):
                set_clock(offset)
                assert await centre.vaccinate(person) == 200
            await service.logged("clock_jumped")
            assert (await centre.status())["clock"] == {"offset_s": pytest.approx(-172_800, abs=2), "doubtful": True, "reason": _OFF}
            async with centre.desk.get(f"{centre.admin_url}/metrics") as answer:
                (offset,) = re.findall(r"^dosekeeper_clock_offset_seconds (.+)$", await answer.text(), re.MULTILINE)
            assert float(offset) == pytest.approx(-172_800, abs=2)
            told = (await centre.run("status", **store)).out
            assert "CLOCK" in told
            assert _OFF in told
            await sim.faults.clear()
            await service.logged("outage_ended", group="vaccinator")
            lasted_at_most_s = time.monotonic() - began_s
            await service.logged("settle", times=4, state="delivered")
            for verb in ("records", "outages"):
                assert " ?" in (await centre.run(verb, "list", **store)).out
        assert doses_applied(sim) == [(person, 1) for person in persons], "each once, and none before an older one of the day"

    journal = await open_journal(tmp_path / "j.db", tmp_path / "j.key", {}, Role.CLI)
    try:
        (row,) = await journal.outages(OutageFilter(groups=("vaccinator",)))
        records = await journal.find(RecordFilter())
    finally:
        await journal.close()
    assert row.ended_at is not None
    assert 0 < (row.ended_at - row.started_at) / 1000 <= lasted_at_most_s
    assert (row.recorded, row.unobserved_ms, row.flaps, row.clock_doubtful) == (3, 0, 0, True)
    assert [record.clock_doubt for record in records] == [None, None, "86400 s ahead of the server", _OFF]
    assert len({record.deadline_at for record in records}) == 1, "the server counts the days, by its own clock"


_OFF = "172800 s behind the server"
