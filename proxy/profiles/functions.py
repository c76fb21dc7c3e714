"""The functions that a profile's expressions have over and above JMESPath's own."""

from __future__ import annotations

import json
import unicodedata
from datetime import date, datetime
from itertools import pairwise
from urllib.parse import quote

from jmespath.functions import Functions, signature


class OwnFunctions(Functions):
    """
    What it takes to tell that two requests mean the same person and the same dose, and to name them in a question.

    `text`, `day`, `segment_after` and `url_encoded` take null, and give null for it: a key that lacks a part must not look like a key.
    """

    @signature({"types": ["string"]})
    def _func_last4(self, value: str) -> str:
        """Return the last four letters or digits, upper case; a number shown masked (`********4821`) has the same ones."""
        return "".join(character for character in value if character.isalnum())[-4:].upper()

    @signature({"types": ["string"]})
    def _func_normalise(self, value: str) -> str:
        """Return *value* in NFC, case folded, each run of blanks one space, none at the ends."""
        # Case folding can leave what is no longer in NFC, so NFC comes after it (Unicode §3.13, D145).
        return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold()).split())

    @signature({"types": ["string"]}, {"types": ["string"]})
    def _func_date(self, value: str, layout: str) -> str | None:
        """Return *value*, a date written in *layout* (DD, MM and YYYY in any order), in ISO 8601; null if it is none."""
        pattern = layout.replace("%", "%%").replace("DD", "%d").replace("MM", "%m").replace("YYYY", "%Y")
        try:
            return datetime.strptime(value.strip(), pattern).date().isoformat()  # noqa: DTZ007 - a calendar day has no time zone
        except ValueError:
            return None

    @signature({"types": []})
    def _func_text(self, value: object) -> str | None:
        """
        Return *value* as one text, however it was written: 4844 and "4844" are the same. Null and blank text are null.

        So is what is neither text nor number: nobody knows whom `{"id": 4844}` means.
        """
        match value:
            case None:
                return None
            case str():
                return unicodedata.normalize("NFC", value).strip() or None
            case bool() | list() | dict():
                return None
            case int():
                return str(value)
            case float() if value.is_integer():
                return str(int(value))
            case _:
                return json.dumps(value)

    @signature({"types": []}, {"types": ["string"]})
    def _func_segment_after(self, value: object, name: str) -> str | None:
        """Return the segment after the segment *name* in a path, URL or reference (`4711` of `Patient/4711`); null if there is none."""
        if not isinstance(value, str):
            return None
        segments = value.partition("?")[0].partition("#")[0].strip().split("/")
        return next((segment or None for before, segment in pairwise(segments) if before == name), None)

    @signature({"types": []})
    def _func_url_encoded(self, value: object) -> str | None:
        """Return *value* as it stands in the query of a URL."""
        return quote(value, safe="") if isinstance(value, str) else None

    @signature({"types": []}, {"types": []})
    def _func_days_between(self, earlier: object, later: object) -> int | None:
        """Return how many days it is from one ISO date to another, below 0 if they are the other way round; null if one is none."""
        try:
            both = [date.fromisoformat(each) for each in (earlier, later) if isinstance(each, str)]
        except ValueError:
            return None
        return (both[1] - both[0]).days if len(both) == 2 else None  # noqa: PLR2004 - two dates

    @signature({"types": []})
    def _func_day(self, value: object) -> str | None:
        """Return the calendar day of an ISO 8601 date or time, as it is written there; null if it is none."""
        try:
            return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else None
        except ValueError:
            return None
