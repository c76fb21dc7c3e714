"""How the report of outages speaks: its language, dates, lengths and numbers as they are read at the centre."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from proxy.texts import marked, translation

LOCALES: Final = {"en": "en_IN", "hi": "hi_IN"}

_LENGTHS: Final = (
    (86_400, 3_600, marked("{first} d"), marked("{first} d {second} h")),
    (3_600, 60, marked("{first} h"), marked("{first} h {second} min")),
    (60, 1, marked("{first} min"), marked("{first} min {second} s")),
)


@dataclass(frozen=True, slots=True)
class Words:
    """A language, one of `proxy.texts.LANGUAGES`, and the centre's time zone."""

    language: str
    timezone: str

    def say(self, text: str, **values: object) -> str:
        """Return a marked text in this language, with *values* in it."""
        return translation(self.language).gettext(text).format(**values)

    def local(self, at: str) -> datetime:
        """Return an RFC 3339 time as one of the centre."""
        return datetime.fromisoformat(at).astimezone(ZoneInfo(self.timezone))

    def day(self, at: str) -> str:
        """Return `Fri 30 Jul 2021`."""
        return self._written(at, "EEE d MMM y")

    def month(self, at: str) -> str:
        """Return `July 2021`."""
        return self._written(at, "LLLL y")

    def time(self, at: str) -> str:
        """Return `30 Jul 12:04:10`."""
        return self._written(at, "d MMM HH:mm:ss")

    def minute(self, at: str) -> str:
        """Return `30 Jul 2021, 12:04`."""
        return self._written(at, "d MMM y, HH:mm")

    def clock(self, at: str, *, seconds: bool) -> str:
        """Return `12:04`, or with its seconds."""
        return self._written(at, "HH:mm:ss" if seconds else "HH:mm")

    def _written(self, at: str, pattern: str) -> str:
        if self.language == "hi":
            pattern = pattern.replace("MMM", "MMMM")  # its short names of months nobody writes
        return format_datetime(self.local(at), pattern, locale=LOCALES[self.language])

    def length(self, seconds: float) -> str:
        """Return a length in two units: `2 h 56 min`; one under ten seconds with its tenths, none as a dash."""
        if seconds <= 0:
            return "–"
        whole = round(seconds)
        for first_s, second_s, alone, both in _LENGTHS:
            if whole >= first_s:
                first, second = whole // first_s, whole % first_s // second_s
                return self.say(both if second else alone, first=self.number(first), second=second)
        return self.say(marked("{seconds} s"), seconds=self.number(round(seconds, 1) if seconds < 10 else whole))  # noqa: PLR2004 - docstring

    def number(self, number: float) -> str:
        """Return a number with its groups."""
        return format_decimal(number, locale=LOCALES[self.language])

    def count(self, number: int) -> str:
        """Return how many there are, none as a dash."""
        return self.number(number) if number else "–"

    def share(self, share: float) -> str:
        """Return a share of 1 in per cent."""
        return format_percent(share, locale=LOCALES[self.language])
