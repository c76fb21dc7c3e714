"""Times as people write and read them at this centre."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import click

_SPAN: Final = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str | None, zone: str, now: datetime, *, ahead: bool, option: str) -> str | None:
    """
    Return a time in RFC 3339, with its zone.

    Args:
        text: `2h` from now (back, or *ahead*), a date, or a time; without a zone of its own it is the centre's. None stays None.
        zone: The centre's time zone.
        now: Aware.
        ahead: Whether a span counts from now on; else it is past.
        option: Named in the error.

    Raises:
        click.BadParameter: *text* is none of these.
    """
    if text is None:
        return None
    if match := _SPAN.fullmatch(text):
        span = timedelta(**{_UNITS[match[2]]: int(match[1])})
        return (now + span if ahead else now - span).isoformat()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f'"{text}" is no time; write 2h, 30m, 2026-11-24 or 2026-11-24T17:30', param_hint=option) from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).isoformat()


def shown(at: str | None, zone: str) -> str:
    """Return an RFC 3339 time as it is read at the centre, `2026-11-24 17:30:12`; `-` for none."""
    return "-" if at is None else datetime.fromisoformat(at).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def span(length_s: float) -> str:
    """Return a length in two units at most: `2 h 5 min`."""
    whole = round(length_s)
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((index for index, (amount, _) in enumerate(parts) if amount), 3)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount or first == len(parts) - 1)
