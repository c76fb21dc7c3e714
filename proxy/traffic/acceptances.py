"""When the server last took which credential: by keyed hash, in memory and in the journal, so that a restart in an outage knows it too."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from proxy.rules.stamps import Stamp, age_s
from proxy.traffic.clock import Clock
from proxy.traffic.tasks import Background
from store.errors import JournalError
from store.journal import Journal
from store.principal_ledger import CREDENTIALS_MAX, Accepted

log = logging.getLogger(__name__)

NEVER: Final = Stamp(0, "", 0.0)
"""When a credential was accepted that was only ever refused."""

KEPT_EVERY_S: Final = 300.0
"""An acceptance is written down again when the one on disk is older: trust is reckoned in hours, a busy desk is accepted every minute."""


@dataclass(slots=True)
class Acceptances:
    """Remembers acceptances and refusals, those of the latest `CREDENTIALS_MAX` credentials."""

    journal: Journal
    background: Background
    clock: Clock
    _at: dict[bytes, Stamp] = field(default_factory=dict)
    _kept: dict[bytes, Stamp] = field(default_factory=dict)
    _refused: set[bytes] = field(default_factory=set)

    async def load(self) -> None:
        """Take what the process before this one wrote down."""
        for row in await self.journal.accepted_credentials():
            self._at[row.credential] = self._kept[row.credential] = Stamp(row.accepted_at, row.boot_id, row.boot_s)
            if row.refused_at is not None:
                self._refused.add(row.credential)

    def age_s(self, mark: bytes) -> float | None:
        """Return how long ago the server last accepted a credential; None where it never did."""
        stamp = self._at.get(mark)
        return None if stamp in (None, NEVER) else age_s(stamp, self.clock.stamp())

    def is_refused(self, mark: bytes) -> bool:
        """Whether it has refused it since."""
        return mark in self._refused

    def accepted(self, mark: bytes) -> None:
        """Note that the server took a credential now."""
        now = self.clock.stamp()
        kept = None if mark in self._refused else self._kept.get(mark)
        self._refused.discard(mark)
        self._note(mark, now)
        if kept is None or age_s(kept, now) >= KEPT_EVERY_S:
            self._kept[mark] = now
            self.background.start(self._keep(Accepted(mark, now.wall, now.boot_id, now.boot_s)))

    def refused(self, mark: bytes) -> None:
        """Note that the server refused a credential, or a token, that would be trusted else."""
        if mark not in self._refused:
            self._note(mark, self._at.get(mark, NEVER))
            self._refused.add(mark)
            self.background.start(self._keep_refusal(mark))

    def _note(self, mark: bytes, accepted: Stamp) -> None:
        self._at.pop(mark, None)
        self._at[mark] = accepted
        if len(self._at) > CREDENTIALS_MAX:
            oldest = next(iter(self._at))
            del self._at[oldest]
            self._kept.pop(oldest, None)
            self._refused.discard(oldest)

    async def _keep(self, accepted: Accepted) -> None:
        try:
            await self.journal.accept_credential(accepted)
        except JournalError:
            self._kept.pop(accepted.credential, None)  # the next acceptance tries again
            log.exception("acceptance not kept", extra={"action": "acceptance_unkept"})

    async def _keep_refusal(self, mark: bytes) -> None:
        try:
            await self.journal.refuse_credential(mark, self.clock.wall())
        except JournalError:
            log.exception("refusal of a credential not kept", extra={"action": "acceptance_unkept"})
