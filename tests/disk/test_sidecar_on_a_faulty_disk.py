"""The service as it runs at a centre, on a disk that is full, fails or is slow: what desks are told, judged by the server's ledger."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator
from tests.cli.centre import Centre, a_centre
from tests.disk.faulty_disk import FaultyDisk
from tests.traffic.centre import VACCINATE, a_dose, doses_applied, people

FULL = "write ENOSPC -wal"
FAILING = "sync EIO -wal"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=5, people=200) as running:
        yield running


@pytest.fixture
async def centre(sim: Simulator, tmp_path: Path) -> AsyncIterator[Centre]:
    async with a_centre(tmp_path, f"{sim.url}/api") as made:
        yield made


async def post(centre: Centre, person: str, dose: int = 1, **more: str) -> tuple[int, str | None, bytes]:
    """Record a dose; return status, Dosekeeper-State and body."""
    url = f"http://127.0.0.1:{centre.data}/api{VACCINATE}"
    async with centre.desk.post(url, json=a_dose(person, dose), headers=more) as answer:
        return answer.status, answer.headers.get("Dosekeeper-State"), await answer.read()


async def get(centre: Centre, path: str) -> int:
    async with centre.desk.get(f"{centre.admin_url}{path}") as answer:
        await answer.read()
        return answer.status


async def unrecorded(centre: Centre) -> int:
    async with centre.desk.get(f"{centre.admin_url}/metrics") as answer:
        found = re.search(r"^dosekeeper_writes_unrecorded_total (\S+)$", await answer.text(), re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a state of another process: it is asked for, every 50 ms."""
    async with asyncio.timeout(20):
        while not await met():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.05)


async def until_counts(centre: Centre, **wanted: int) -> None:
    async def met() -> bool:
        counts: dict[str, int] = (await centre.status())["records"]
        return wanted.items() <= counts.items()

    await until(met)


async def until_down(centre: Centre, *, down: bool = True) -> None:
    async def met() -> bool:
        upstream: str = (await centre.status())["upstream"]
        return (upstream == "down") is down

    await until(met)


async def recording(centre: Centre) -> dict[str, Any]:
    found: dict[str, Any] = (await centre.status())["recording"]
    return found


@pytest.mark.parametrize("order", [FULL, FAILING])
async def test_in_an_outage_a_disk_that_does_not_keep_means_paper_and_recording_goes_on_by_itself(
    sim: Simulator, centre: Centre, disk: FaultyDisk, order: str
) -> None:
    persons = people(sim)
    told: dict[str, int] = {}
    async with centre.serving(ready=True, **disk.environ()) as service:
        await sim.faults.add("refuse")
        await until_down(centre)

        async def record(some: list[str]) -> None:
            told.update(zip(some, await asyncio.gather(*map(centre.vaccinate, some)), strict=True))

        await record(persons[:8])
        disk.order(order)
        await record(persons[8:16])
        assert (await get(centre, "/readyz"), await get(centre, "/healthz")) == (503, 200)
        await record(persons[16:24])
        assert Counter(told.values()) == {200: 8, 507: 16}
        found = await recording(centre)
        assert found["can_record"] is False
        assert found["reason"]
        assert found["next_step"]
        assert "NOT RECORDING" in (await centre.run("status")).out
        disk.order()
        await service.logged("disk", why="well")
        assert await get(centre, "/readyz") == 200
        await record(persons[24:32])
        service.process.kill()
    await sim.faults.clear()
    async with centre.serving() as service:
        await until_counts(centre, pending=0, sending=0, unknown=0)
    applied = Counter(person for person, _ in doses_applied(sim))
    assert applied == {person: 1 for person, status in told.items() if status == 200}
    assert len(applied) == 16


async def test_while_the_server_is_up_a_write_that_cannot_be_kept_is_passed_on(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    waiting, free, other, late = people(sim)[:4]
    async with centre.serving(ready=True, **disk.environ()) as service:
        await sim.faults.add("hang", routes=[f"/api{VACCINATE}"], match=waiting)
        assert (await post(centre, waiting))[1] == "sending"
        disk.order(FULL)
        assert (await post(centre, other))[0] in (200, 507)  # the first finds it out
        assert (await recording(centre))["can_record"] is False

        status, state, _ = await post(centre, free)
        assert (status, state) == (200, None)
        assert doses_applied(sim).count((free, 1)) == 1
        assert await unrecorded(centre) >= 1
        # The fact is in no journal: a second tap is told to look, and the dose is in the ledger once.
        assert ((await post(centre, free))[0], doses_applied(sim).count((free, 1))) == (409, 1)
        # Its lane is not free: an older record of this person waits.
        assert (await post(centre, waiting, dose=2))[0] == 507
        # Its fact is a record already: nothing is passed on beside it.
        assert (await post(centre, waiting))[1] == "sending"

        disk.order()
        await service.logged("disk", why="well")
        assert (await post(centre, free))[0] == 409
        assert (await post(centre, late))[:2] == (200, None)
        await sim.faults.clear()
        await until_counts(centre, pending=0, sending=0, unknown=0)
    assert all(times == 1 for times in Counter(doses_applied(sim)).values())
    assert (waiting, 2) not in doses_applied(sim)


async def test_what_can_be_neither_kept_nor_sent_for_want_of_a_token_means_paper(centre: Centre, disk: FaultyDisk) -> None:
    """Not "doses go on being recorded"."""
    nowhere = json.dumps({"token_url": "http://127.0.0.1:9/token", "client_id": "centre-17", "client_secret": "none"})
    own = {"DOSEKEEPER_UPSTREAM__HEADERS": "{}", "DOSEKEEPER_UPSTREAM__OAUTH2": nowhere}
    async with centre.serving(ready=True, **own, **disk.environ()):
        assert (await post(centre, "48448366834980"))[1] == "pending"
        disk.order(FULL)
        await post(centre, "48448366834981")
        status, _, body = await post(centre, "48448366834982")
        assert (status, b"use paper" in body) == (507, True)


async def test_two_taps_while_nothing_can_be_kept_take_effect_once(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    first, *others = people(sim)[:9]
    async with centre.serving(ready=True, **disk.environ()):
        disk.order(FULL)
        await post(centre, first)
        await sim.faults.add("slow", routes=[f"/api{VACCINATE}"], latency_s=0.1)
        answers = await asyncio.gather(*(post(centre, person) for person in others for _ in range(3)))
    assert Counter(status for status, *_ in answers) == {200: 8, 409: 16}
    assert all(times == 1 for times in Counter(doses_applied(sim)).values())


async def test_a_provisional_id_is_never_passed_on(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, another, *_ = people(sim)
    walk_in = {"name": "Invented Person", "birth_year": "1962", "gender_id": 2, "mobile_number": "9100000001", "photo_id_type": 1}
    walk_in |= {"photo_id_number": "0001", "comorbidity_ind": "N", "consent_version": "1"}
    async with centre.serving(ready=True, **disk.environ()):
        await sim.faults.add("refuse")
        await until_down(centre)
        url = f"http://127.0.0.1:{centre.data}/api/v2/vaccinator/beneficiaries/new"
        async with centre.desk.post(url, json=walk_in) as answer:
            given = (await answer.json())["beneficiary_reference_id"]
        assert (await centre.run("records", "discard", "1", "--reason", "left the queue", "--by", "asha")).code == 0  # nothing waits
        await sim.faults.clear()
        assert await centre.vaccinate(another) == 200
        await until_down(centre, down=False)
        disk.order(FULL)
        await centre.vaccinate(person)
        assert await centre.vaccinate(person, dose=2) in (200, 400)  # passed on
        assert await centre.vaccinate(given) == 507
    assert not any(given.encode() in (entry.body or b"") for entry in sim.ledger.received)


async def test_a_slow_disk_keeps_neither_reads_nor_health_checks_waiting(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, *others = people(sim)[:4]
    async with centre.serving(DOSEKEEPER_ANSWERING__ANSWER_WITHIN="10s", ready=True, **disk.environ()):
        disk.order("sync 1500ms -wal")
        recording_it = asyncio.create_task(post(centre, person))
        async with asyncio.timeout(5):
            assert await get(centre, "/healthz") == 200
            assert await get(centre, "/readyz") == 200
            assert (await centre.status())["recording"]["can_record"] is True
        assert not recording_it.done()
        assert (await recording_it)[0] == 200
        disk.order("sync 500ms -wal")
        assert [status for status, *_ in await asyncio.gather(*(post(centre, other) for other in others))] == [200] * 3
        disk.order()


async def test_who_was_told_to_use_paper_is_not_sent_after_a_power_cut(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, *_ = people(sim)
    async with centre.serving(ready=True, DOSEKEEPER_ANSWERING__ANSWER_WITHIN="2s", **disk.environ()) as service:
        await sim.faults.add("refuse")
        await until_down(centre)
        disk.order("sync 60000ms -wal")
        assert await centre.vaccinate(person) == 507
        service.process.kill()
    await sim.faults.clear()
    async with centre.serving():
        await until_counts(centre, held=1, pending=0, unknown=0)
        assert "told-paper" in (await centre.run("records", "list", "--state", "held")).out
    assert doses_applied(sim) == []


async def test_a_refusal_does_not_wait_for_a_disk_that_hangs(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, earlier, *_ = people(sim)
    async with centre.serving(ready=True, **disk.environ()):
        assert (await post(centre, earlier))[0] == 200
        await until_counts(centre, delivered=1)  # the log is begun: the first commit in it syncs its header too
        disk.order("sync 4000ms -wal 2 1")  # the first keeps the record, the second is to keep the refusal
        status, state, _ = await post(centre, person, dose=2)  # without a first dose
        assert (status, state) == (400, None)
        assert (await centre.status())["records"]["sending"] == 1


async def test_a_disk_that_hangs_costs_a_desk_its_time_once(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    first, second, third, *_ = people(sim)
    async with centre.serving(ready=True, **disk.environ()) as service:
        disk.order("sync 60000ms -wal")
        # The first may be on disk, the second is not; both have waited, so the server's time is not put on top.
        assert [(await post(centre, person))[0] for person in (first, second)] == [507, 507]
        assert await unrecorded(centre) == 0

        async def slow() -> bool:
            return not (await recording(centre))["can_record"]

        await until(slow)
        assert (await post(centre, third))[:2] == (200, None)
        assert await unrecorded(centre) == 1
        service.process.kill()


async def test_the_reserve_is_given_up_for_recording_and_taken_again(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, another, third, *_ = people(sim)
    ballast = centre.folder / "data/journal.db.reserve"

    async def there() -> bool:
        return ballast.exists() and ballast.stat().st_blocks * 512 >= 1 << 20

    async with centre.serving(ready=True, **disk.environ()) as service:
        await until(there)
        assert (await recording(centre))["reason"] is None
        disk.order(f"statvfs {200 << 10} data")
        await service.logged("disk", why="disk-short")
        assert not ballast.exists()
        disk.order(f"statvfs {1 << 20} data")
        found = await recording(centre)
        assert found["can_record"] is True
        assert re.search(r"room for about \d+ more doses", found["reason"])
        assert (await post(centre, person))[0] == 200
        assert await get(centre, "/readyz") == 200

        await sim.faults.add("refuse")
        await until_down(centre)
        disk.order(f"statvfs {100 << 10} data")
        await service.logged("disk", why="disk-full")
        assert await centre.vaccinate(another) == 507
        await sim.faults.clear()
        disk.order()
        await service.logged("disk", why="well")
        assert await centre.vaccinate(third) == 200
        await until(there)


async def test_a_disk_that_refuses_a_write_is_given_the_reserve_at_once(sim: Simulator, centre: Centre, disk: FaultyDisk) -> None:
    person, *_ = people(sim)
    ballast = centre.folder / "data/journal.db.reserve"

    async def there() -> bool:
        return ballast.exists()

    async with centre.serving(ready=True, **disk.environ()):
        await until(there)
        disk.order(f"{FULL} 1 1", "statvfs 400000 data")
        assert (await post(centre, person))[:2] == (200, None)
        assert await unrecorded(centre) == 0
        assert not ballast.exists()
