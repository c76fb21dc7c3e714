"""Who comes to which centre, and when: the same for the same seed, with dosekeeper and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any, Final

from simulator.demo.plan import MISREAD_S, REFUSED_BATCH, Plan
from simulator.desks import Coming
from simulator.forms import queue_of

FROM_NINE: Final = 0.12
"""Share of the people who stand before the door when it opens."""

LAST: Final = 0.92
"""Part of the day after which nobody comes any more."""


def crowds(plan: Plan, people: Sequence[Mapping[str, Any]], at: int) -> Iterator[list[Coming]]:
    """Yield who comes to each centre, in the order of coming; *people* are those on the register, *at* the wall-clock day."""
    for place, centre in enumerate(plan.district):
        draw = Random(f"{plan.seed}/{centre.number}")
        queue = queue_of(people[place :: plan.centres], plan.dialect.identity, draw, at)
        dues = [replace(due, center_id=centre.number) for due in islice(queue, plan.coming(centre))]
        comes_s = sorted(0.0 if draw.random() < FROM_NINE else draw.uniform(0, LAST * plan.seconds) for _ in dues)
        coming = [Coming(at_s, due) for at_s, due in zip(comes_s, dues, strict=True)]
        yield _with_a_misread_vial(plan, coming) if place == 0 else coming


def _with_a_misread_vial(plan: Plan, coming: list[Coming]) -> list[Coming]:
    """Let the batch number of one vial be read wrong, for a walk-in who comes while the server is down."""
    from_s = plan.after_opening_s(MISREAD_S)
    place = next((place for place, one in enumerate(coming) if one.at_s >= from_s and one.due.walk_in is not None), None)
    if place is not None:
        coming[place] = replace(coming[place], due=replace(coming[place].due, batch=REFUSED_BATCH))
    return coming
