"""Scenario files: what they may say, in which order it happens, and that the shipped ones do what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import aiohttp
import pytest

from simulator import Simulator, clock
from simulator.cowin.register import Repeat, Rules
from simulator.scenario.player import Pace, Player, named
from simulator.scenario.reading import ScenarioError, load_scenario, parse_scenario, shipped
from simulator.scenario.timeline import Act, Begin, Change, End, Say, timeline
from tests.simulator.desk import Answer, Desk, until

GENDERS = "/registration/beneficiary/genders"
OTP = "/auth/generateMobileOTP"
CONFIRM = "/auth/validateMobileOtp"

HEAD = "scenario: s\nabout: a\n"


def acts(steps: str, head: str = "ends_at: 1h\n") -> list[tuple[float, str]]:
    return [(act.at_s, in_short(act)) for act in timeline(parse_scenario("s.yaml", HEAD + head + "steps:\n" + steps))]


def in_short(act: Act) -> str:
    match act:
        case Say():
            return act.text
        case Begin():
            return f"+{named(act.order)}"
        case End():
            return f"-{named(act.order)}"
        case Change():
            return f"={act.rules.model_dump(exclude_unset=True)}"


def test_a_fault_is_lifted_by_its_time_by_its_name_or_at_the_end() -> None:
    steps = """
  - {at: 10s, raise: [{fault: refuse, for: 5s}, {fault: hang, as: one}, {fault: hang}, {fault: slow}]}
  - {at: 1m, lift: [one, slow]}
"""
    assert acts(steps) == [
        (10, "+refuse"),
        (10, "+hang (one)"),
        (10, "+hang"),
        (10, "+slow"),
        (15, "-refuse"),
        (60, "-hang (one)"),
        (60, "-slow"),
        (3600, "-hang"),
    ]


def test_what_ends_at_a_moment_ends_before_anything_begins_and_all_can_be_lifted_at_once() -> None:
    steps = """
  - {at: 5s, say: now, lift: all, rules: {otp_late_s: 7}, raise: [{fault: waf_403}]}
  - {at: 0s, raise: [{fault: refuse, for: 5s}, {fault: hang}]}
"""
    assert acts(steps) == [
        (0, "+refuse"),
        (0, "+hang"),
        (5, "-refuse"),
        (5, "now"),
        (5, "-hang"),
        (5, "={'otp_late_s': 7.0}"),
        (5, "+waf_403"),
        (3600, "-waf_403"),
    ]


def test_a_step_is_repeated_as_often_as_the_scenario_lasts() -> None:
    steps = "  - {at: 30m, every: 20m, repeat: 5, raise: [{fault: refuse, for: 40m}]}\n"
    assert acts(steps) == [(1800, "+refuse"), (3000, "+refuse"), (3600, "-refuse"), (3600, "-refuse")]


def test_times_of_day_count_from_the_start() -> None:
    head = 'starts_at: "11:30"\nends_at: "15:00:30"\n'
    steps = "  - {at: 12:04, raise: [{fault: refuse}]}\n  - {at: 1h, say: relative}\n"
    assert acts(steps, head) == [(2040, "+refuse"), (3600, "relative"), (12_630, "-refuse")]


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = """scenario: s
about: ""
ends_at: 10m
colour: red
steps:
  - at: soon
    lift: [nothing]
  - at: 12:04
    raise:
      - fault: refuse
        share: 0.5
      - fault: hangs
      - fault: slow
        options: {latency: 3}
        for: 3 minutes
  - at: 1m
    repeat: 3
  - at: 1m
    rules: {otp: 1}
  - 7
"""
    with pytest.raises(ScenarioError) as caught:
        parse_scenario("s.yaml", text)
    said = str(caught.value).splitlines()
    expected = [
        ("s.yaml:2: about", "at least 1 character"),
        ("s.yaml:4: colour", "no such key"),
        ("s.yaml:6: steps.0.at", "not 'soon'"),
        ("s.yaml:7: steps.0.lift", "nothing is raised as nothing; raised are: hangs, refuse, slow"),
        ("s.yaml:8: steps.1.at", "needs starts_at"),
        ("s.yaml:10: steps.1.raise.0", "the whole port"),
        ("s.yaml:12: steps.1.raise.1.fault", "Did you mean hang?"),
        ("s.yaml:14: steps.1.raise.2.options", "latency: Extra inputs"),
        ("s.yaml:15: steps.1.raise.2.for", "not '3 minutes'"),
        ("s.yaml:16: steps.2", "every and repeat belong together"),
        ("s.yaml:19: steps.3.rules.otp", "no such key"),
        ("s.yaml:20: steps.4", "valid dictionary"),
    ]
    assert [line.split(": ")[:2] for line in said] == [place.split(": ") for place, _ in expected]
    assert all(words in line for line, (_, words) in zip(said, expected, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario: [", "s.yaml:1: is not YAML"),
        (HEAD + "about: b\n", "s.yaml:3: is not YAML"),
        ("", "s.yaml:1: Input should be"),
        (HEAD + "ends_at: 1m\nsteps: [{at: 2m, say: late}]\n", "s.yaml:1: begins after ends_at: late"),
        (HEAD + "ends_at: 1m\nsteps: []\n", "s.yaml:1: has no steps"),
        (HEAD + "starts_at: 12:00\nends_at: 11:00\nsteps: [{at: 1m}]\n", "s.yaml:4: ends_at: lies before starts_at"),
        (HEAD + "starts_at: noon\nends_at: 1h\nsteps: [{at: 1m}]\n", "s.yaml:3: starts_at: must be a time of day"),
        (HEAD + "ends_at: 1h\nsteps: [{at: 1m, raise: [{fault: slow, options: {latency: 3}}]}]\n", "latency: Extra inputs"),
    ],
)
def test_other_mistakes(text: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario("s.yaml", text)
    assert said in str(caught.value)


def test_a_scenario_that_is_not_there_is_said_so_with_those_that_are() -> None:
    with pytest.raises(ScenarioError, match="no such file; shipped are: flapping-line, may-june-waf"):
        load_scenario("rudrapur")


async def test_only_rules_that_are_named_change(sim: Simulator) -> None:
    sim.register.rules = Rules(repeat=Repeat.REFUSE)
    sim.register.change(Rules(otp_late_s=None))
    assert sim.register.rules == Rules(repeat=Repeat.REFUSE, otp_late_s=None)


async def test_the_pace_is_the_scenarios_divided_by_the_speed(sim: Simulator) -> None:
    scenario = parse_scenario("s.yaml", HEAD + "ends_at: 2m\nsteps: [{at: 1m, raise: [{fault: hang, for: 30s}]}]\n")
    began = clock.now()
    await Player(sim.faults, sim.register.change, lambda _: None).play(scenario, Pace(speed=600).reach)
    (fault,) = sim.faults.history
    assert fault.lifted_at is not None
    assert fault.lifted_at - began.at >= 90_000 / 600
    assert clock.now().monotonic_s - began.monotonic_s >= 120 / 600


# ---- The shipped scenarios: before each moment a real client asks, and notes what it sees --------------------------------------

ASKS: Final = 60

Asking = Callable[[Desk, int], Awaitable[str]]


def in_a_word(answer: Answer) -> str:
    return f"page {answer.status}" if answer.content_type == "text/html" else str(answer.status)


async def a_read(desk: Desk, number: int) -> str:
    return in_a_word(await desk.call("GET", GENDERS, Desk_Sequence=str(number)))


async def a_dose(desk: Desk, number: int) -> str:
    return in_a_word(await desk.vaccinate(desk.anybody(), order=number))


async def a_password(desk: Desk, number: int) -> str:
    answer = await desk.call("POST", OTP, {"mobile": "9000000001"}, Desk_Sequence=str(number))
    if answer.status != 200:
        return in_a_word(answer)
    messages = (await desk.control("GET", "/_sim/messages")).json
    there = answer.json["txnId"] in {message["transaction"] for message in messages}
    return "message" if there else "no message"


async def a_log_in(desk: Desk, number: int) -> str:
    return in_a_word(await desk.call("POST", CONFIRM, {"txnId": "x", "otp": "x"}, Desk_Sequence=str(number)))


async def an_old_token(desk: Desk, number: int) -> str:
    """Ask with a token of 1970 for what needs none: the server that is well does not look at it."""
    return in_a_word(await desk.call("GET", GENDERS, Authorization="Bearer e30.eyJpYXQiOiAxfQ.x", Desk_Sequence=str(number)))


SEEN: Final[dict[str, dict[str, tuple[Asking, list[tuple[str, set[str]]]]]]] = {
    # scenario → what is asked → until when which answers are seen, and no others
    "rudrapur-30-july": {
        "a dose": (
            a_dose,
            [
                ("11:36:00", {"200"}),
                ("11:54:00", {"200", "late", "504"}),
                ("12:00:00", {"200", "late", "504", "page 200"}),
                ("12:04:00", {"200", "late", "504"}),
                ("14:20:01", {"refused"}),
                ("14:25:00", {"page 503"}),
                ("14:25:01", {"refused"}),
                ("14:55:01", {"refused"}),
                ("15:00:00", {"page 503"}),
                ("17:00:00", {"200"}),
            ],
        )
    },
    "opening-28-april": {
        "a password": (
            a_password,
            [
                ("16:00:00", {"message"}),
                ("16:02:00", {"no message", "late"}),
                ("16:40:00", {"no message", "late", "504"}),
                ("17:00:00", {"message"}),
            ],
        )
    },
    "one-route-25-may": {
        "a log-in": (a_log_in, [("+00:05:00", {"400"}), ("+01:30:00", {"504"}), ("+02:00:00", {"400"})]),
        "a dose": (a_dose, [("+02:00:00", {"200"})]),
    },
    "may-june-waf": {
        "a dose": (
            a_dose,
            [
                ("+00:05:00", {"200"}),
                ("+00:15:00", {"200", "page 403"}),
                ("+00:20:00", {"200"}),
                ("+00:30:00", {"page 405"}),
                ("+00:35:00", {"200"}),
                ("+00:45:00", {"429"}),
                ("+01:10:00", {"200"}),
            ],
        ),
        "a token": (an_old_token, [("+00:05:00", {"200"}), ("+01:05:00", {"200", "page 403", "429", "401"}), ("+01:10:00", {"200"})]),
    },
    "flapping-line": {
        "a read": (
            a_read,
            [
                ("+00:01:00", {"200"}),
                ("+00:01:40", {"refused"}),
                ("+00:01:50", {"200"}),
                ("+00:02:00", {"page 200"}),
                ("+00:02:10", {"200", "broken"}),
                ("+00:03:00", {"200"}),
                ("+00:03:40", {"refused"}),
                ("+00:25:00", {"200", "refused", "page 200", "broken"}),
            ],
        )
    },
}


def test_every_shipped_scenario_is_tried() -> None:
    assert set(SEEN) == set(shipped())


@pytest.mark.parametrize(("scenario", "asked"), [(scenario, asked) for scenario, asks in SEEN.items() for asked in asks])
async def test_a_shipped_scenario_does_what_it_says(impatient: Desk, scenario: str, asked: str) -> None:
    ask, spans = SEEN[scenario][asked]
    sim, seen = impatient.sim, dict[float, set[str]]()

    async def reach(at_s: float) -> None:
        if at_s not in seen:
            seen[at_s] = await answers(ask, impatient)

    playing = load_scenario(scenario)
    await Player(sim.faults, sim.register.change, lambda _: None).play(playing, reach)
    assert not sim.faults.raised
    began = -1.0
    for upto, expected in spans:
        ends = _seconds(upto) - (playing.starts_s or 0)
        within = [words for at_s, words in seen.items() if began < at_s <= ends]
        assert set().union(*within) == expected, f"until {upto}"
        began = ends


@pytest.fixture
async def impatient(sim: Simulator) -> AsyncIterator[Desk]:
    """A client that comes over a connection of its own each time, and does not wait for an answer that the server holds back."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        yield Desk(sim, http)


async def answers(ask: Asking, desk: Desk) -> set[str]:
    """Ask so many times at once, and return what came back: words, `late` for what the server is slow with."""
    before = len(desk.sim.ledger.received)
    asking = {number: asyncio.create_task(_word(ask, desk, number)) for number in range(ASKS)}

    def all_known() -> bool:
        slow = {entry.order for entry in desk.sim.ledger.received[before:] if entry.faults[-1:] == ["slow"] and entry.reply is None}
        return all(task.done() or number in slow for number, task in asking.items())

    await until(all_known)
    for task in asking.values():
        task.cancel()
    await asyncio.wait(asking.values())
    return {"late" if task.cancelled() else task.result() for task in asking.values()}


async def _word(ask: Asking, desk: Desk, number: int) -> str:
    try:
        return await ask(desk, number)
    except aiohttp.ClientConnectorError:
        return "refused"
    except aiohttp.ClientError:
        return "broken"


def _seconds(shown: str) -> float:
    hours, minutes, seconds = (int(part) for part in shown.removeprefix("+").split(":"))
    return hours * 3600 + minutes * 60 + seconds
