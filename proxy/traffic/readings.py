"""What the desks have looked up in the last day, in memory only: what is asked for anew before it is too old, and in which words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.profiles.model import Route
from proxy.rules.cache import for_the_whole
from proxy.rules.wire import Fields
from proxy.traffic.clock import Clock
from proxy.traffic.credentials import Caller
from proxy.traffic.recollection import Asked

FOR_S: Final = 24 * 3600.0
"""For so long a look-up counts."""

READINGS_MAX: Final = 4096
"""Look-ups that are known, at most: five times what the medical college expected on its day."""


@dataclass(frozen=True, slots=True)
class Words:
    """The fields with which the desks' software asks on a route, and whether it brings no credential of its own."""

    fields: Fields = ()
    ours: bool = True


@dataclass(slots=True)
class Readings:
    """Notes look-ups that were answered; of one whose answer is somebody's own, only the words: it can be asked with theirs alone."""

    clock: Clock
    _words: dict[str, Words] = field(default_factory=dict)
    _last: dict[bytes, tuple[float, Asked]] = field(default_factory=dict)

    def note(self, asked: Asked) -> None:
        """Note that a desk has asked this, and that the answer is remembered."""
        words, known = self._spoken(asked), self._last.pop(asked.question, None)
        if asked.method != "GET" or not (words.ours or asked.route.shared):
            return
        if known is not None and known[1].fields is words.fields:
            said = known[1]
        else:
            said = replace(asked, fields=words.fields, caller=Caller(words.fields, None, None, None))  # never with who asked
        self._last[asked.question] = (self.clock.monotonic(), said)
        if len(self._last) > READINGS_MAX:
            del self._last[next(iter(self._last))]

    def words(self, route: Route) -> Words:
        """Return the words of whoever asked last on *route*."""
        return self._words.get(route.name, Words())

    def of(self, routes: Collection[str]) -> list[Asked]:
        """Return what was asked on *routes* in the last day, the oldest first."""
        since_s = self.clock.monotonic() - FOR_S
        for question in [question for question, (at_s, _) in self._last.items() if at_s < since_s]:
            del self._last[question]
        return [asked for _, asked in self._last.values() if asked.route.name in routes]

    def _spoken(self, asked: Asked) -> Words:
        """Return the words of *asked*; the same object while they do not change, or a thousand look-ups would keep a thousand copies."""
        words = Words(for_the_whole(asked.fields), asked.caller.principal is None)
        if self._words.get(asked.route.name) != words:
            self._words[asked.route.name] = words
        return self._words[asked.route.name]
