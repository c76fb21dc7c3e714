"""Times as a scenario writes them: `90s` from its start, or `12:04` by the clock."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationInfo

DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_s(text: Any) -> float:  # noqa: ANN401 - whatever was written there
    """Return a duration in seconds; ValueError for what is none."""
    found = DURATION.fullmatch(str(text))
    if found is None:
        raise ValueError(f"must be a time such as 90s, 12m or 1.5h, not {text!r}")
    return float(found[1]) * UNITS_S[found[2]]


def clock_s(text: Any) -> float | None:  # noqa: ANN401 - whatever was written there
    """Return a time of day in seconds from midnight; None for what is none."""
    found = CLOCK.fullmatch(str(text))
    return None if found is None else sum(int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True))


def _time_of_day(text: object) -> float:
    seconds = clock_s(text)
    if seconds is None:
        raise ValueError(f"must be a time of day such as 12:04, not {text!r}")
    return seconds


def _since_start(text: object, info: ValidationInfo) -> float:
    at_s = clock_s(text)
    if at_s is None:
        return duration_s(text)
    starts_s = (info.context or {}).get("starts_s")
    if starts_s is None:
        raise ValueError("a time of day needs starts_at, from which it counts")
    if at_s < starts_s:
        raise ValueError("lies before starts_at")
    return float(at_s - starts_s)


Duration = Annotated[float, BeforeValidator(duration_s)]
"""Seconds."""

TimeOfDay = Annotated[float, BeforeValidator(_time_of_day)]
"""Seconds from midnight."""

SinceStart = Annotated[float, BeforeValidator(_since_start)]
"""Seconds from the scenario's start; a time of day is turned into that by `starts_s` of the validation's context."""


def shown(at_s: float, starts_s: float | None) -> str:
    """Return when it is, as the scenario counts."""
    whole = round(at_s + (starts_s or 0))
    text = f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return text if starts_s is not None else f"+{text}"
