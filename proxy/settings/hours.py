"""A centre's opening hours as people write them: `Mon-Fri 09:00-13:00 14:00-17:00, Sat 09:00-13:00`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MIDNIGHT: Final = 24 * 60

_DAY: Final = f"({'|'.join(DAYS)})"
_PART: Final = re.compile(rf"{_DAY}(?:-{_DAY})?((?: +[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])+)")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The centre is open on `weekday` (0 is Monday) from `opens` until `closes`, minutes after the centre's own midnight."""

    weekday: int
    opens: int
    closes: int

    def __str__(self) -> str:
        """Return it as it is written, `Mon 09:00-17:00`; the label of its metrics."""
        return f"{DAYS[self.weekday]} {_time(self.opens)}-{_time(self.closes)}"


def hours(text: object) -> tuple[Span, ...]:
    """Read opening hours; every span on its own, in the week's order. Raises ValueError where *text* is none."""
    try:
        parts = [_PART.fullmatch(part.strip()) for part in str(text).split(",")]
        spans = sorted(span for part in parts for span in _spans(part))
    except ValueError:
        spans = []
    if not spans or any(a.weekday == b.weekday and b.opens < a.closes for a, b in pairwise(spans)):
        message = f'"{text}" must be opening hours that do not overlap, such as "Mon-Fri 09:00-13:00 14:00-17:00, Sat 09:00-13:00"'
        raise ValueError(message)
    return tuple(spans)


def _spans(part: re.Match[str] | None) -> Iterator[Span]:
    if part is None:
        raise ValueError
    first = DAYS.index(part[1])
    days = (DAYS.index(part[2]) - first) % 7 if part[2] else 0
    for times in part[3].split():
        opens, closes = (_minutes(time) for time in times.split("-"))
        if not opens < closes <= MIDNIGHT:
            raise ValueError
        yield from (Span((first + day) % 7, opens, closes) for day in range(days + 1))


def _minutes(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _written(spans: tuple[Span, ...] | None) -> str | None:
    return None if spans is None else ", ".join(map(str, spans))


Hours = Annotated[tuple[Span, ...], PlainValidator(hours), PlainSerializer(_written), WithJsonSchema({"type": "string"})]
"""Opening hours; none of its spans passes midnight."""
