"""
The log: one line an event, JSON or text, on standard error.

A line holds what our own code chose to say: its message and the values it gave. Of an exception it holds the type and the place in our
code, of a library's line the bare template: their texts may carry header bytes, URLs or parts of a body.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Final

from proxy.operations.recent_log import RecentLog
from proxy.settings.model import Log, LogFormat, LogLevel

OURS: Final = ("proxy", "store")
_FOREIGN_MAX: Final = 80
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "action", "taskName"}


def configure(settings: Log) -> None:
    """Send every log line of this process to standard error, in the format of the settings; the last ones are kept for a support bundle."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if settings.format is LogFormat.JSON else TextFormatter())
    recent = RecentLog()
    recent.setFormatter(JsonFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler, recent], force=True)


def quiet() -> None:
    """For a command: errors only, in text; what it did it tells itself."""
    configure(Log(level=LogLevel.ERROR, format=LogFormat.TEXT))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, action, message, and what the event says more."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return json.dumps(_event(record), ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """The same event for reading on a screen: time, level, action, message, then name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        event = _event(record)
        head = [str(event.pop(name)) for name in ("time", "level", "action", "message")]
        return " ".join([*head, *(f"{name}={value}" for name, value in event.items())])


def _event(record: logging.LogRecord) -> dict[str, object]:
    event: dict[str, object] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "action": getattr(record, "action", record.name),
        "message": record.getMessage() if _is_ours(record.name) else _template(record),
    }
    event |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return event | _error(record)


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def _template(record: logging.LogRecord) -> str:
    """Return a library's message without what was put into it; asyncio appends the objects concerned on further lines."""
    return str(record.msg).partition("\n")[0][:_FOREIGN_MAX]


def _error(record: logging.LogRecord) -> dict[str, object]:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    places = [(frame.f_globals.get("__name__", ""), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [f"{name}:{line}" for name, line in places if _is_ours(name)]
    return {"error": type(error).__name__, **({"at": ours[-1]} if ours else {})}
