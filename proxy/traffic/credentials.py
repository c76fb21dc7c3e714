"""Whose credential goes with a send. Credentials live in memory only; the journal knows no more than a keyed hash of whose they are."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final, assert_never

from proxy.document.fields import FromEnvironment, FromFile, FromText, HeaderSource
from proxy.rules.fields import overlaid, split_credentials
from proxy.rules.wire import Fields

log = logging.getLogger(__name__)

PRINCIPALS_MAX: Final = 256
"""Clients whose latest credential is remembered: a morning's log-ins of a large centre. A stranger with made-up ones fills no memory."""

Hash = Callable[[str], bytes]


class Credentials:
    """The sidecar's own credential fields, and the latest of each client's."""

    def __init__(self, names: tuple[str, ...], own: Mapping[str, HeaderSource], hashed: Hash) -> None:
        self._names = frozenset(name.lower().encode() for name in names)
        self._own = own
        self._hash = hashed
        self._of: dict[bytes, Fields] = {}
        self._last: dict[str, bytes] = {}

    @property
    def names(self) -> frozenset[bytes]:
        """The credential fields, lower case."""
        return self._names

    def split(self, fields: Fields) -> tuple[Fields, Fields]:
        """Return (fields that may be journalled, credential fields)."""
        return split_credentials(fields, self._names)

    def principal(self, credential: Fields) -> bytes | None:
        """Return who *credential* stands for, as a keyed hash, and remember it for later sends; None where there is none to remember."""
        covered = {name.lower().encode() for name in self._own}
        theirs = tuple((n, v) for n, v in credential if n.lower() not in covered)
        if not theirs:
            return None
        principal = self._hash("principal\0" + "\0".join(f"{n.decode('latin-1').lower()}={v.decode('latin-1')}" for n, v in theirs))
        self._of.pop(principal, None)
        self._of[principal] = theirs
        if len(self._of) > PRINCIPALS_MAX:
            del self._of[next(iter(self._of))]
        return principal

    def known(self) -> tuple[bytes, ...]:
        """Return the principals whose credential is at hand."""
        return tuple(self._of)

    def for_send(self, principal: bytes | None) -> Fields | None:
        """Return the credential fields for a record of *principal*; None while that principal has not been seen since the start."""
        if principal is None:
            return self.own()
        theirs = self._of.get(principal)
        return None if theirs is None else overlaid(theirs, self.own())

    def rejected(self, principal: bytes | None) -> None:
        """Forget what the server refused, so that the lane waits for the next one instead of asking again with the same."""
        if principal is not None:
            self._of.pop(principal, None)

    def stands_alone(self, principal: bytes | None) -> bool:
        """Whether a send for *principal* goes up with nothing but the sidecar's own credential."""
        return principal is None and bool(self._own)

    def own(self) -> Fields:
        """
        Return the sidecar's own fields, read now: a file that was changed counts from the next send on.

        Of one that cannot be read, or is no field value, the last value that could; nothing if there was none.
        """
        for name, source in self._own.items():
            try:
                self._last[name] = _value(_read(source))
            except (OSError, ValueError) as error:
                log.error(  # noqa: TRY400 - the error's text may hold the credential
                    "own credential cannot be read, the last one is used",
                    extra={"action": "credential_unread", "field": name, "error": type(error).__name__},
                )
        return tuple((name.encode(), value) for name, value in self._last.items())


def _value(text: str) -> bytes:
    if not text.isprintable():
        raise ValueError("a field value is one line")
    return text.encode("latin-1")


def _read(source: HeaderSource) -> str:
    match source:
        case FromText(text):
            return text
        case FromEnvironment(name):
            return os.environ.get(name, "")
        case FromFile(path):
            return path.read_text().strip()
        case _:
            assert_never(source)
