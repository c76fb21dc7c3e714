"""Which requests a fault strikes, and what is said to an order that makes no sense."""

from __future__ import annotations

import pytest

from simulator import Simulator
from simulator.faults.scope import Scope
from tests.simulator.desk import REGISTER, VACCINATE, Desk

GENDERS = "/registration/beneficiary/genders"


@pytest.mark.parametrize(
    ("route", "path", "covered"),
    [
        ("/**", "/api/v2/x", True),
        ("/api/v2/vaccinator/**", "/api/v2/vaccinator/beneficiaries/new", True),
        ("/api/v2/vaccinator/**", "/api/v2/auth/validateMobileOtp", False),
        ("/api/v2/*/beneficiary/genders", "/api/v2/registration/beneficiary/genders", True),
        ("/api/v2/*", "/api/v2/admin/location", False),
        ("/api/v2/a.c", "/api/v2/abc", False),
        ("/api/v2/x", "/api/v2/x/y", False),
    ],
)
def test_route_patterns(route: str, path: str, covered: bool) -> None:
    assert Scope(routes=(route,)).covers(path) is covered


async def test_one_route_fails_and_the_others_work(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("gateway_504", routes=["/api/v2/vaccinator/**"])
    assert (await desk.vaccinate(desk.anybody())).status == 504
    assert (await desk.call("GET", GENDERS)).status == 200


async def test_one_payload_fails_and_the_others_work(desk: Desk, sim: Simulator) -> None:
    unlucky, lucky = desk.anybody(), desk.anybody(nth=1)
    await sim.faults.add("error_500", match=unlucky)
    assert (await desk.vaccinate(unlucky)).status == 500
    assert (await desk.vaccinate(lucky)).status == 200
    found = await desk.call("GET", f"/vaccinator/beneficiaries/findByReferenceId?beneficiary_reference_id={unlucky}")
    assert found.status == 500


async def test_the_first_few_fail(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("error_500", times=2)
    assert [(await desk.vaccinate(desk.anybody())).status for _ in range(4)] == [500, 500, 200, 200]


async def test_a_share_fails_the_same_for_the_same_seed() -> None:
    async def draws() -> list[bool]:
        async with Simulator(seed=3, people=0) as sim:
            await sim.faults.add("error_500", share=0.3)
            return [bool(await sim.faults.strikes("/", b"/", _no_body)) for _ in range(200)]

    first = await draws()
    assert first == await draws()
    assert 30 < sum(first) < 90


async def test_a_fault_that_does_not_look_into_bodies_leaves_them_unread(sim: Simulator) -> None:
    await sim.faults.add("reset_before")
    assert len(await sim.faults.strikes("/api", b"/api", _no_body)) == 1


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"fault": "hangs"}, "Did you mean hang?"),
        ({"fault": "slow", "options": {"latency": 3}}, "latency: Extra inputs"),
        ({"fault": "slow", "options": {"latency_s": -1}}, "latency_s"),
        ({"fault": "hang", "share": 0}, "share"),
        ({"fault": "hang", "route": "/x"}, "route"),
        ({"fault": "refuse", "times": 1}, "the whole port"),
        ({}, "fault: Field required"),
        ([], "Input should be an object"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(desk: Desk, order: object, said: str) -> None:
    answer = await desk.control("POST", "/_sim/faults", order)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert (await desk.control("GET", "/_sim/faults")).json == []


async def test_faults_are_raised_listed_and_lifted_over_http(desk: Desk) -> None:
    order = {"fault": "slow", "routes": ["/api/v2" + VACCINATE, "/api/v2" + REGISTER], "options": {"latency_s": 0}}
    raised = await desk.control("POST", "/_sim/faults", order)
    assert (raised.status, raised.json) == (201, {"id": "1"})
    await desk.vaccinate(desk.anybody())
    (listed,) = (await desk.control("GET", "/_sim/faults")).json
    assert (listed["id"], listed["fault"], listed["options"], listed["hits"]) == ("1", "slow", {"latency_s": 0.0}, 1)
    assert (await desk.control("DELETE", "/_sim/faults/1")).status == 204
    assert (await desk.control("DELETE", "/_sim/faults/1")).status == 404
    assert (await desk.control("GET", "/_sim/faults")).json == []
    (past,) = (await desk.control("GET", "/_sim/faults?lifted")).json
    assert past["lifted_at"] >= past["raised_at"]


async def test_all_faults_are_lifted_at_once(desk: Desk, sim: Simulator) -> None:
    await sim.faults.add("refuse")
    await sim.faults.add("error_500")
    assert (await desk.control("DELETE", "/_sim/faults")).status == 204
    assert (await desk.vaccinate(desk.anybody())).status == 200


async def _no_body() -> bytes:
    raise AssertionError("the body was asked for")
