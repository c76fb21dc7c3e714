"""The receipt: what a client gets for a record that is kept but not confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from re import compile as regex
from typing import Any, Final

import orjson

from proxy.profiles.expressions import Expression
from proxy.profiles.model import Receipt
from proxy.rules.telling import standing
from proxy.texts import LANGUAGES, Text
from store.records import RecordState

RECORDS_PATH: Final = "/.dosekeeper/records/"
"""Where the data port tells the state of a record (a status monitor, RFC 9110 §15.3.3)."""

FIELD_VALUE: Final = regex(r"[!-~](?:[ -~]*[!-~])?")
"""What may stand in a header field: a line break in a request must not begin a field of its own in our answer."""


@dataclass(frozen=True, slots=True)
class ReceiptAnswer:
    """A receipt ready to be answered."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes


def receipt(  # noqa: PLR0913, PLR0917 - what may stand in one
    declared: Receipt | None,
    view: dict[str, Any],
    record_id: str,
    number: int,
    state: RecordState,
    provisional_id: str | None = None,
    warnings: Sequence[str] = (),
    language: str = LANGUAGES[0],
) -> ReceiptAnswer:
    """
    Return the receipt in the shape the profile says the client's software expects, else a 202 of our own.

    The record is kept by now, so there is always a receipt: what the profile cannot say of an odd request is left out of the header
    fields, and in place of a body that cannot be made stands our own.

    Args:
        declared: The route's receipt, if it has one.
        view: The request as `request_view` shows it.
        record_id: Text form of the record's id.
        number: The centre's running number.
        state: Where the record stands.
        provisional_id: The id it was given for the person, on routes that issue one.
        warnings: What the person at the desk should know, each one line of ASCII, texts of the catalogue. A header field takes no more
            than ASCII, so that they stand in English there, and in *language* in the body.
        language: The reader's, one of `LANGUAGES`.
    """
    message = standing(state, number).said(language)
    told = [Text(warning).said(language) for warning in warnings]
    record = {"id": record_id, "number": number, "state": state.value, "provisional_id": provisional_id, "message": message}
    data = {"request": view, "record": {**record, "warnings": told}}
    status = HTTPStatus.ACCEPTED if declared is None else declared.status
    fields = [("Dosekeeper-Record", record_id), ("Dosekeeper-State", state.value)]
    if status == HTTPStatus.ACCEPTED:
        fields.append(("Location", RECORDS_PATH + record_id))
    if declared is not None:
        fields.extend(declared_fields(declared.headers, data))
    said = {"warnings": told} if warnings else {}
    if warnings:
        fields.append(("Dosekeeper-Warning", " | ".join(warnings)))
    fields += [("Content-Type", "application/json"), ("Content-Language", language)]
    body = None if declared is None else _json(declared.body.search(data))
    return ReceiptAnswer(status, _first_of_each(fields), body or orjson.dumps({"offline_mode": 1, "record": record, **said}))


def declared_fields(declared: Mapping[str, Expression], data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the header fields that a profile declares; one whose value is not to be had, or is no field's, is left out."""
    for name, expression in declared.items():
        value = expression.search(data)
        if isinstance(value, str | int) and FIELD_VALUE.fullmatch(str(value)):
            yield name, str(value)


def _first_of_each(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found: dict[str, tuple[str, str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), (name, value))
    return tuple(found.values())


def _json(found: object) -> bytes | None:
    """Return *found* as JSON; None where it is nothing, or cannot be written (nested deeper than orjson writes, though it reads it)."""
    try:
        return None if found is None else orjson.dumps(found)
    except orjson.JSONEncodeError:
        return None
