"""
What is in nobody's journal: writes that are being kept, or passed on without a record, and those that were passed on.

The journal is where one fact is one record. While it cannot be written this is what is left of that rule, in memory only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from store.records import NewRecord

PASSED_MAX: Final = 10_000
"""Facts remembered, 16 bytes each; the oldest is forgotten first."""


@dataclass(slots=True)
class UnderWay:
    """Lanes, facts and requests, by their keyed hashes."""

    _kept: dict[bytes, int] = field(default_factory=dict)
    """How many that have it are being kept; at least 1."""
    _passed_on: set[bytes] = field(default_factory=set)
    _passed: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    @contextmanager
    def keeping(self, new: NewRecord) -> Iterator[None]:
        """While the block lasts the journal may or may not take it: nothing of its person is passed on."""
        hashes = _hashes(new)
        for each in hashes:
            self._kept[each] = self._kept.get(each, 0) + 1
        try:
            yield
        finally:
            for each in hashes:
                if (others := self._kept.pop(each) - 1) > 0:
                    self._kept[each] = others

    @contextmanager
    def passing_on(self, new: NewRecord) -> Iterator[None]:
        """While the block lasts it goes to the server without a record; enter it only where nothing of its person is under way."""
        hashes = _hashes(new)
        self._passed_on |= hashes
        try:
            yield
        finally:
            self._passed_on -= hashes

    def is_passed_on(self, new: NewRecord) -> bool:
        """Whether something of its person, or of its key, is on its way to the server without a record."""
        return bool(self._passed_on) and not self._passed_on.isdisjoint(_hashes(new))

    def is_kept(self, new: NewRecord) -> bool:
        """Whether something of its person, or of its key, is on its way into the journal."""
        return any(each in self._kept for each in _hashes(new))

    def may_have_it(self, new: NewRecord) -> bool:
        """Whether its fact was passed on, and the server did not refuse it."""
        return new.natural_key is not None and new.natural_key in self._passed

    def remember(self, new: NewRecord) -> None:
        """Note that the server may have its fact."""
        if new.natural_key is not None:
            self._passed[new.natural_key] = None
            if len(self._passed) > PASSED_MAX:
                self._passed.popitem(last=False)


def _hashes(new: NewRecord) -> set[bytes]:
    return {*new.lanes, *filter(None, (new.natural_key, new.idempotency_key))}
