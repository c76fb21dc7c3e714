"""The timeline of the report: what was when, a track for each day, or one for a time that is no longer than a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from proxy.operations.report_words import Words

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a track, from *begin* to *end*, shares of its length in [0, 1]; `told` is the entry of the timeline."""

    kind: str
    begin: float
    end: float
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Track:
    """What was from `since` to `until` (RFC 3339); `known` is the part of it that the report is about, as a `Piece`'s bounds."""

    since: str
    until: str
    known: tuple[float, float]
    pieces: tuple[Piece, ...]

    @property
    def length_s(self) -> float:
        """How long it is."""
        return (datetime.fromisoformat(self.until) - datetime.fromisoformat(self.since)).total_seconds()

    def mark(self, share: float) -> str:
        """Return the time at a share of its length, RFC 3339."""
        return (datetime.fromisoformat(self.since) + timedelta(seconds=share * self.length_s)).isoformat()


def tracks(report: Mapping[str, Any], words: Words) -> Iterator[Track]:
    """Yield the tracks of a report."""
    if _seconds(report["from"], report["to"]) <= DAY_S:
        yield _track(report["from"], report["to"], report)
        return
    for day in report["days"]:
        midnight = words.local(day["from"]).replace(hour=0, minute=0, second=0, microsecond=0)
        yield _track(midnight.isoformat(), (midnight + timedelta(days=1)).isoformat(), report)


def _track(since: str, until: str, report: Mapping[str, Any]) -> Track:
    whole_s = _seconds(since, until)

    def share(at: str) -> float:
        return min(1.0, max(0.0, _seconds(since, at) / whole_s))

    pieces = [Piece(told["kind"], share(told["from"]), share(told["to"]), told) for told in report["timeline"]]
    return Track(since, until, (share(report["from"]), share(report["to"])), tuple(piece for piece in pieces if piece.end > piece.begin))


def _seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
