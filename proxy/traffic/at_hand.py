"""A remembered answer at hand: what has to be worked out to give it is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from proxy.profiles.model import Overlay
from proxy.rules.cache import Stored
from proxy.rules.fields import answer_fields, from_block, to_block
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
    _fields: CIMultiDict[str] | None = None
    _sent: frozenset[str] = frozenset()
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

    def ready(self, marks: Fields) -> answers.Ready:
        """Return it as `response` does, as the bytes that it is on most desks' wire."""
        answer = self.stored.answer
        if self._head is None:
            length = (b"Content-Length", b"%d" % len(answer.body))
            self._head = b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason.encode()) + to_block((*answer_fields(answer.fields), length))
        return answers.Ready((self._head, to_block(marks), b"\r\n", answer.body), lambda: self.response(marks))

    def response(self, marks: Fields) -> web.Response:
        """Return it as it stands on the desk's wire, with *marks* of ours."""
        answer = self.stored.answer
        if self._fields is None:
            self._fields = answers.on_the_wire(answer.fields)
            self._sent = frozenset(map(str.lower, self._fields))
        response = web.Response(status=answer.status, reason=answer.reason, body=answer.body or None, headers=self._fields)
        for name, value in marks:
            response.headers.add(name.decode(), value.decode())
        response[answers.SENT] = self._sent
        return response
