"""The client keys as their file is now: read again when it changed, so that a key that was revoked is out on the next request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from proxy.rules.client_keys import by_hash, hash_of, parsed

log = logging.getLogger(__name__)

UNREAD: Final = ()
"""Stands for a file that could not be read when it was last looked at."""


@dataclass(slots=True)
class ClientKeys:
    """Looks keys up; `file` None: there are none. A file that cannot be read or understood lets nobody in."""

    file: Path | None
    _seen: tuple[int, ...] | None = None
    _names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, key: str | None) -> str | None:
        """Return whose *key* is; None where it is nobody's."""
        if key is None or self.file is None:
            return None
        self._refresh(self.file)
        return self._names.get(hash_of(key))

    def _refresh(self, file: Path) -> None:
        try:
            stat = file.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._names, self._seen = by_hash(parsed(file.read_text("utf-8"))), seen
                log.info("client keys read", extra={"action": "client_keys", "keys": len(self._names)})
        except (OSError, ValueError):
            if self._seen != UNREAD:
                log.exception("client keys cannot be read: nobody is let in by one", extra={"action": "client_keys_unread"})
            self._names, self._seen = {}, UNREAD
