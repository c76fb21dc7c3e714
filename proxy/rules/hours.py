"""When a centre is open, by the clock of its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from proxy.settings.hours import Span


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a span: its beginning in wall-clock milliseconds UTC, and its length in seconds."""

    at: int
    length_s: float

    def has(self, now: int) -> bool:
        """Whether the centre is open at *now* by this."""
        return self.at <= now < self.at + self.length_s * 1000


def latest_opening(span: Span, now: int, timezone: tzinfo) -> Opening:
    """Return the latest opening of *span* that has begun by *now*, wall-clock milliseconds UTC."""
    today = datetime.fromtimestamp(now / 1000, UTC).astimezone(timezone).date()
    day = today - timedelta(days=(today.weekday() - span.weekday) % 7)
    opening = _opening(span, day, timezone)
    return opening if opening.at <= now else _opening(span, day - timedelta(days=7), timezone)


def _opening(span: Span, day: date, timezone: tzinfo) -> Opening:
    opens, closes = (_at(day, minutes, timezone) for minutes in (span.opens, span.closes))
    return Opening(opens * 1000, float(closes - opens))


def _at(day: date, minutes: int, timezone: tzinfo) -> int:
    days, minutes = divmod(minutes, 24 * 60)
    return int(datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), timezone).timestamp())
