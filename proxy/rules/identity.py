"""
Provisional ids: what a client is given for a person whom the upstream has not registered yet, in the form its software expects.

Prefix, the centre's number, a running number that never comes again, a check digit. None may ever reach the upstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from re import Match, escape
from re import compile as regex
from typing import Any, Final

from proxy.profiles.model import CENTRE_DIGITS, Issues, Provisional

_ESCAPED: Final = regex(rb"(?:%(?:25)*+5[Cc]|\\){1,8}+u00([2-7][0-9A-Fa-f])|%(?:25)*+([2-7][0-9A-Fa-f])")
"""A character as JSON (`\\u0039`) or percent-encoding (`%39`) may disguise it, JSON within JSON and encoding of the encoded included."""

_NUMBER: Final = regex(rb"(?<![0-9])[0-9]++(?:\.[0-9]++(?:[eE][+-]?[0-9]++)?|[eE][+-]?[0-9]++)")
"""A JSON number with a fraction or an exponent."""

_FRACTION: Final = regex(rb"[0-9](?:\.[0-9]|[eE][-+0-9])")
"""What every such number has in it; most requests have none, and this is found out in a tenth of the time."""


def running_numbers(form: Provisional) -> int:
    """Return how many ids one centre has; its running numbers are 0 to one less."""
    return int(10**form.running_digits)


def provisional_id(form: Provisional, centre_number: int, running_number: int) -> str:
    """
    Return an id.

    Args:
        form: The profile's.
        centre_number: `centre.number`, at most six digits.
        running_number: From the journal; each once.

    Raises:
        ValueError: a number is negative or has too many digits: the running numbers are used up.
    """
    for name, number, digits in (("centre", centre_number, CENTRE_DIGITS), ("running", running_number, form.running_digits)):
        if not 0 <= number < 10**digits:
            raise ValueError(f"the {name} number of a provisional id has {digits} digits; {number} is none such")
    body = f"{form.prefix}{centre_number:0{CENTRE_DIGITS}}{running_number:0{form.running_digits}}"
    return body + check_digit(_digits(body))


def is_provisional(text: str, form: Provisional) -> bool:
    """Whether *text* has the form of a provisional id, of whichever centre."""
    running = text.removeprefix(form.prefix)
    return (
        len(text) == form.length
        and text.startswith(form.prefix)
        and running.isascii()
        and running.isdigit()
        and check_digit(_digits(text[:-1])) == text[-1]
    )


def check_digit(digits: str) -> str:
    """
    Return the digit that finds a mistyped one, and two neighbours exchanged unless they are 0 and 9.

    Source: ISO/IEC 7812-1, annex B (Luhn).
    """
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(product // 10 + product % 10 for product in doubled) % 10)


def find_provisional(data: bytes, form: Provisional, centre_number: int | None = None) -> frozenset[str]:
    """
    Return everything in *data* that has the form of a provisional id, wherever it stands and however its characters are written.

    Args:
        data: A raw target, a header block or a body, as it would go on the wire; not compressed.
        form: The profile's.
        centre_number: Of the centre whose ids are looked for; None: of any.
    """
    plain = _ESCAPED.sub(_character, data) if b"\\" in data or b"%" in data else data
    lead = form.prefix if centre_number is None else f"{form.prefix}{centre_number:0{CENTRE_DIGITS}}"
    found: set[str] = set()
    if lead.encode() in plain:
        # Looked for at every place: a prefix and a check digit can begin anywhere within a longer run of digits.
        shape = regex(rb"(?=(%b[0-9]{%d}))" % (escape(lead).encode(), form.length - len(lead)))
        found |= {match[1].decode() for match in shape.finditer(plain)}
    if _FRACTION.search(plain):
        found |= {str(int(value)) for number in _NUMBER.finditer(plain) if (value := float(number[0])).is_integer()}
    return frozenset(text for text in found if text.startswith(lead) and is_provisional(text, form))


def issued_id(issues: Issues, answer: Mapping[str, Any]) -> str | None:
    """Return the real id in an accepted answer, as `view_of` shows it; None where there is none."""
    return id_text(issues.id.search(answer))


def id_text(found: object) -> str | None:
    """Return what an expression found as the text of an id; None for what can be none."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found).strip() or None


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _character(escaped: Match[bytes]) -> bytes:
    return bytes.fromhex((escaped[1] or escaped[2]).decode())
