"""A remembered answer at hand: what has to be worked out to give it is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.profiles.model import Overlay
from proxy.rules.cache import Stored
from proxy.rules.fields import from_block
from proxy.rules.stamps import Stamp
from proxy.rules.wire import Answer, Fields
from proxy.traffic import answers
from store.remembered import Remembered

OVERHEAD_BYTES: Final = 4096
"""What one takes beside the answer itself, about."""


@dataclass(slots=True)
class AtHand:
    """One answer, with the request fields by which the upstream varies it."""

    kept: Remembered
    stored: Stored
    vary: tuple[str, ...]
    _head: bytes | None = field(default=None, repr=False)
    _topics: tuple[Overlay, frozenset[bytes]] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, kept: Remembered) -> AtHand:
        """Return *kept*, ready to be given."""
        answer = Answer(kept.status, kept.reason, from_block(kept.headers), kept.body)
        stored = Stored(answer, Stamp(kept.fetched_at, kept.fetched_boot, kept.fetched_boot_s), kept.age_s)
        return cls(kept, stored, tuple(kept.vary.split()))

    @property
    def size(self) -> int:
        """Bytes that it takes here, about."""
        return self.kept.size + OVERHEAD_BYTES

    def topics(self, overlay: Overlay, worked_out: Callable[[Answer], frozenset[bytes]]) -> frozenset[bytes]:
        """Return by what records would be found that change it, as *worked_out* says at the first time."""
        if self._topics is None or self._topics[0] is not overlay:
            self._topics = overlay, worked_out(self.stored.answer)
        return self._topics[1]

    def response(self, marks: Fields) -> answers.Ready:
        """Return it as it stands on the desk's wire, with *marks* of ours."""
        answer = self.stored.answer
        if self._head is None:
            self._head = answers.head_of(answer)
        return answers.relayed(answer, marks, self._head)
