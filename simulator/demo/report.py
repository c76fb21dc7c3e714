"""The result file: all that the table and the page show, as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.demo import history
from simulator.demo.evidence import Evidence, of_all
from simulator.demo.judge import judge, unjudged
from simulator.demo.plan import ANSWER_WITHIN_S, CLOSES_S, OPENS_S, SCENARIO, SHORTENED_TEXT, Plan
from simulator.demo.result import Limits, Result
from simulator.demo.seen import Seen
from simulator.scenario.reading import load_scenario

LIMITS: Final = Limits(wait_s=ANSWER_WITHIN_S + 1.0, outage_off_s=5.0)
"""A second more for a busy machine; an outage's end is known to a probe, and its start to a dose."""


def report(plan: Plan, beside: Seen, without: Seen) -> dict[str, Any]:
    """Return the result file's content; `broken` has a sentence for each guarantee that is."""
    kept = _day(plan, beside, judged=True)
    return {
        "plan": {**dataclasses.asdict(plan), "people": plan.people, "speed": plan.speed, "opens_s": OPENS_S, "closes_s": CLOSES_S},
        "settings": SHORTENED_TEXT,
        "limits": dataclasses.asdict(LIMITS),
        "day": _course(),
        "with": kept,
        "without": _day(plan, without, judged=False),
        "broken": [*kept["all"]["broken"], *_broken_here_only(kept)],
    }


def _day(plan: Plan, seen: Seen, *, judged: bool) -> dict[str, Any]:
    def figures(evidence: Evidence) -> dict[str, Any]:
        result: Result = judge(evidence, LIMITS) if judged else unjudged(evidence)
        return dataclasses.asdict(result)

    clock = history.Clock(seen.opened_at, plan.speed)
    everybody = of_all(seen.centres, seen.applied)
    return {
        "all": figures(everybody),
        "server": history.of_server(everybody, clock, plan),
        "centres": [
            {
                "name": centre.name,
                "local": centre.local,
                "desks": centre.desks(plan.one_in),
                "result": figures(evidence),
                "history": history.of_centre(evidence, clock),
            }
            for centre, evidence in zip(plan.district, seen.centres, strict=True)
        ],
    }


def _broken_here_only(kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield, with the centre's name, what the figures of all centres together do not show."""
    known = {sentence.partition(":")[0] for sentence in kept["all"]["broken"]}
    for centre in kept["centres"]:
        for sentence in centre["result"]["broken"]:
            if sentence.partition(":")[0] not in known:
                yield f"{sentence} ({centre['name']})"


def _course() -> dict[str, Any]:
    """Return what the scenario says of the day, and what the server bore when it was back."""
    scenario = load_scenario(SCENARIO)
    orders = [order for step in scenario.steps for order in step.raises]
    return {
        "about": scenario.about,
        "said": [[((scenario.starts_s or 0.0) + step.at_s) / 60, step.say] for step in scenario.steps if step.say],
        "capacity": next((order.options["per_second"] for order in orders if order.fault == "capacity"), None),
    }
