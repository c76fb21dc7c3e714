"""CoWIN's error codes and the body they come in."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from simulator.exchange import Reply, json_reply, text_reply


class Code(StrEnum):
    """The codes seen in the field; `GENERAL` is CoWIN's catch-all."""

    NO_BENEFICIARY = "APPOIN0001"
    BAD_CENTRE = "APPOIN0006"
    BAD_SLOT = "APPOIN0015"
    BOOKING_EXISTS = "APPOIN0022"
    FIRST_DOSE_MISSING = "APPOIN0025"
    FULL = "APPOIN0040"
    NAME_REQUIRED = "APPOIN0047"
    WRONG_OTP = "USRAUT0014"
    GENERAL = "GERR001"


TEXTS: Final[Mapping[Code, str]] = {
    Code.NO_BENEFICIARY: "No beneficiary found",
    Code.BAD_CENTRE: "Could not find any center for provided centerid",
    Code.BAD_SLOT: "Invalid slot for the provided session",
    Code.BOOKING_EXISTS: "Beneficiary already has an existing booking for this dose",
    Code.FIRST_DOSE_MISSING: "First dose is not yet administered to the beneficiary",
    Code.FULL: "This vaccination center is completely booked for the selected date",
    Code.NAME_REQUIRED: "Name is required",
    Code.WRONG_OTP: "Invalid OTP",
    Code.GENERAL: "Something went wrong",
}
"""Only the text of APPOIN0006 is on record; the others are ours."""


class Refused(Exception):
    """CoWIN says no; raised anywhere in the API, answered in one place."""

    def __init__(self, code: Code, text: str | None = None) -> None:
        super().__init__(text or TEXTS[code])
        self.code = code

    def reply(self) -> Reply:
        """Return the verdict in CoWIN's words."""
        status = HTTPStatus.CONFLICT if self.code is Code.FULL else HTTPStatus.BAD_REQUEST
        return json_reply(status, {"errorCode": self.code, "error": str(self)})


class Unauthenticated(Exception):
    """No good credential came with the request."""

    def reply(self) -> Reply:
        """Return CoWIN's 401, which is plain text, unlike its other errors."""
        return text_reply(HTTPStatus.UNAUTHORIZED, "Unauthenticated access!")
