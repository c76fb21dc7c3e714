from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from proxy.profiles.expressions import Expression
from proxy.profiles.load import load_profile
from proxy.profiles.model import WarnIf
from proxy.rules.warnings import may_warn

VACCINATE: Final = next(route for route in load_profile("cowin-vaccinator", Path()).routes if route.name == "vaccinate")


@pytest.mark.parametrize(("dose", "looked_up"), [(1, False), (2, True), ("2", True), (None, False)])
def test_the_person_is_looked_up_only_where_what_is_known_of_them_decides(dose: object, *, looked_up: bool) -> None:
    assert may_warn(VACCINATE, {"body": {"dose": dose, "vaccine": "COVAXIN", "dose2_date": "30-07-2021"}}) is looked_up


@pytest.mark.parametrize(
    ("when", "looked_up"),
    [
        ("request.a == 'x'", True),
        ("request.a == 'y'", False),
        ("request.a == 'y' || known.b", True),
        ("request.a == 'y' && known.b", False),
        ("length([known.b]) > `1`", True),
    ],
)
def test_however_a_rule_asks(when: str, *, looked_up: bool) -> None:
    route = VACCINATE.model_copy(update={"warn_if": (WarnIf(when=Expression(when), text="Look."),)})
    assert may_warn(route, {"a": "x"}) is looked_up
