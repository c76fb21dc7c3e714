"""The diagrams of ARCHITECTURE.md are drawn from the tables in the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from proxy.rules.circuit import PHASES, Phase
from store.records import FIRST_STATES, TRANSITIONS

DOCUMENT = Path(__file__).parents[2] / "ARCHITECTURE.md"


def drawn(first: Iterable[StrEnum], ways: Mapping[Any, frozenset[Any]]) -> str:
    def name(state: StrEnum) -> str:
        return state.value.replace("-", "_")

    born = [f"  [*] --> {name(state)}" for state in ways if state in first]
    return "\n".join([*born, *(f"  {name(state)} --> {name(to)}" for state, tos in ways.items() for to in ways if to in tos)])


@pytest.mark.parametrize("diagram", [drawn(FIRST_STATES, TRANSITIONS), drawn({Phase.CLOSED}, PHASES)], ids=["records", "circuit"])
def test_architecture_draws_the_table(diagram: str) -> None:
    assert f"stateDiagram-v2\n{diagram}\n```" in DOCUMENT.read_text()
