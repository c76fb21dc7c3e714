"""Reads the members of a JSON request body, each by its rule; what breaks a rule is refused in CoWIN's words."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, TypeVar

import orjson

from simulator.cowin.refusals import Code, Refused

T = TypeVar("T", int, str)

INDIA: Final = timezone(timedelta(hours=5, minutes=30))


class Form:
    """The body of one request."""

    def __init__(self, body: bytes) -> None:
        try:
            members = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Refused(Code.GENERAL, "Request body is not valid JSON") from None
        if not isinstance(members, dict):
            raise Refused(Code.GENERAL, "Request body is not a JSON object")
        self._members = members

    def text(self, name: str, pattern: str = r".+", code: Code = Code.GENERAL) -> str:
        """Return a text that fits *pattern* as a whole; a number is taken as its digits, as CoWIN v1 sent ids."""
        value = self._members.get(name)
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not re.fullmatch(pattern, text.strip()):
            raise Refused(code, None if code is not Code.GENERAL else f"{name} is missing or invalid")
        return text.strip()

    def choice(self, name: str, choices: Collection[T]) -> T:
        """Return the member if it is one of *choices*."""
        value = self._members.get(name)
        found = next((choice for choice in choices if choice == value and not isinstance(value, bool)), None)
        if found is None:
            raise Refused(Code.GENERAL, f"{name} is missing or invalid")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts that is not empty."""
        value = self._members.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise Refused(Code.GENERAL, f"{name} is missing or invalid")
        return tuple(value)

    def day(self, name: str, today: date) -> str:
        """Return a date DD-MM-YYYY that is not after *today*, as it was sent."""
        text = self.text(name, r"\d{2}-\d{2}-\d{4}")
        try:
            day = datetime.strptime(text, "%d-%m-%Y").replace(tzinfo=INDIA).date()
        except ValueError:
            raise Refused(Code.GENERAL, f"{name} is not a date") from None
        if day > today:
            raise Refused(Code.GENERAL, f"{name} is in the future")
        return text


def india_day(at: int) -> date:
    """Return the calendar day in India at *at*, wall-clock milliseconds UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(INDIA).date()
