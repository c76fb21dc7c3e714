"""The last lines of the log, kept in memory for whoever is asked for help."""

from __future__ import annotations

import logging
from collections import deque
from typing import Final

LINES_MAX: Final = 500
"""About 100 KiB."""


class RecentLog(logging.Handler):
    """Keeps the last lines, as its formatter makes them: without personal data, as the log is."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(self.format(record))


def recent_lines() -> list[str]:
    """Return what this process has logged last, oldest first; nothing where its log is not kept."""
    return [line for handler in logging.getLogger().handlers if isinstance(handler, RecentLog) for line in tuple(handler.lines)]
