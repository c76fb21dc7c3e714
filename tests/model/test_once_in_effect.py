"""
Whatever the server, the line, the desks and the clock do, in the end every dose took effect once, in order, under the right person.

The acts are Hypothesis's; the sidecar, the journal and the server are real. `make proof` tries many more days.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.model.day import FAULTS, Act, Verb, a_day
from tests.model.verdict import judge
from tests.proof.mode import PROOF

DAYS = 300 if PROOF else 12
PHASES = tuple(Phase) if PROOF else (Phase.explicit, Phase.generate)
"""To make a failing day shorter takes minutes: only where there is time."""

whos = st.integers(0, 2)
DESKS = [Verb.DOSE, Verb.DOUBLE_TAP, Verb.OTHER_CONTENT, Verb.WALK_IN_DOSE, Verb.REGISTER]
happenings = st.one_of(
    st.builds(Act, st.sampled_from(DESKS), whos),
    st.builds(Act, st.sampled_from([*DESKS, Verb.STRANGER, Verb.CRASH_AT_A_DOSE]), whos),
    st.builds(Act, st.sampled_from([Verb.CRASH, Verb.RESTART])),
    st.builds(Act, st.just(Verb.CLOCK), days=st.sampled_from([-1, 1])),
)


def down(fault: str | None) -> Act:
    return Act(Verb.SERVER, fault=fault)


hours = st.tuples(st.sampled_from([None, *FAULTS]).map(down), st.lists(happenings, min_size=1, max_size=5))
"""How the server is from now on, and what happens meanwhile."""

days = st.lists(hours, min_size=2, max_size=4).map(lambda some: [act for first, others in some for act in (first, *others)])


@pytest.mark.timeout(3600 if PROOF else 60)
@settings(
    max_examples=DAYS,
    phases=PHASES,
    deadline=None,
    derandomize=not PROOF,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(acts=days)
@example(acts=[down("commit_then_drop"), Act(Verb.REGISTER), Act(Verb.WALK_IN_DOSE), Act(Verb.CRASH), Act(Verb.WALK_IN_DOSE)])
@example(acts=[down("commit_then_drop"), Act(Verb.DOSE), Act(Verb.DOUBLE_TAP, 1), Act(Verb.RESTART), Act(Verb.OTHER_CONTENT)])
@example(acts=[down("hang"), Act(Verb.CRASH_AT_A_DOSE), Act(Verb.DOSE), Act(Verb.CLOCK, days=-1), down("reset_after"), Act(Verb.DOSE)])
@example(acts=[down("refuse"), Act(Verb.REGISTER), Act(Verb.WALK_IN_DOSE), Act(Verb.STRANGER), Act(Verb.DOSE), Act(Verb.CLOCK, days=1)])
def test_in_the_end_every_dose_took_effect_once_in_order_under_the_right_person(acts: list[Act]) -> None:
    asyncio.run(_played(acts))


async def _played(acts: list[Act]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_day(Path(folder)) as day:
            for act in acts:
                await day.act(act)
            await day.drain()
            await judge(day)
