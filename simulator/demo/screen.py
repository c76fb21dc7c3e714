"""The live view: redrawn in place on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import Final, TextIO

LINE_EVERY_S: Final = 900.0
"""Of the day that is played: a quarter of an hour."""

BAR: Final = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A centre in one picture: doses `given` there, and `plain` without dosekeeper; `upstream` is the sidecar's own view."""

    name: str
    upstream: str
    given: int
    plain: int
    waiting: int
    confirmed: int
    longest_wait_s: float


@dataclass(frozen=True, slots=True)
class View:
    """One picture; `day_s` is seconds from midnight of the day that is played, `said` what happened last."""

    day_s: float
    said: str
    rows: Sequence[Row]


class Screen:
    """Shows views; on a terminal each takes the place of the one before."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._redraws = can_redraw(out)
        self._rows = 0
        self._next_line_s = 0.0

    def show(self, view: View) -> None:
        """Draw *view*, or write it as a line if the last line is old enough."""
        if self._redraws:
            self._draw(picture(view))
        elif view.day_s >= self._next_line_s:
            self._next_line_s = view.day_s + LINE_EVERY_S
            self.say(line(view))

    def turn(self, day_s: float, what: str) -> None:
        """Write what has happened; a picture shows that anyway."""
        if not self._redraws:
            self.say(f"{day_time(day_s)}  {what}.")

    def say(self, text: str) -> None:
        """Write *text* below what is there, for good."""
        self._rows = 0
        print(text, file=self._out, flush=True)

    def note(self, text: str) -> None:
        """Write *text* for good, above the next picture."""
        if self._rows:
            self._out.write(f"\x1b[{self._rows}A\x1b[J")
        self.say(text)

    def _draw(self, rows: list[str]) -> None:
        up = f"\x1b[{self._rows}A" if self._rows else ""
        width = get_terminal_size().columns - 1  # a row that the terminal breaks would be two
        self._out.write(up + "".join(f"\x1b[2K{row[:width]}\n" for row in rows))
        self._out.flush()
        self._rows = len(rows)


def can_redraw(out: TextIO) -> bool:
    """Tell whether *out* is a terminal that understands cursor movements; the old console of Windows does not."""
    return out.isatty() and os.environ.get("TERM") != "dumb" and (sys.platform != "win32" or "WT_SESSION" in os.environ)


def line(view: View) -> str:
    """Return *view* in one line."""
    given, plain, waiting, confirmed = (sum(column) for column in zip(*map(_figures, view.rows), strict=True))
    down = sum(row.upstream == "down" for row in view.rows)
    return (
        f"{day_time(view.day_s)}  {given} doses given ({plain} without dosekeeper); {waiting} records wait, {confirmed} confirmed; "
        f"{down} of {len(view.rows)} sidecars see the server down"
    )


def picture(view: View) -> list[str]:
    """Return *view* as rows."""
    width = max(len(row.name) for row in view.rows)
    most = max(1, *(row.given for row in view.rows))
    given, plain, waiting, confirmed = (sum(column) for column in zip(*map(_figures, view.rows), strict=True))
    longest_s = max(row.longest_wait_s for row in view.rows)
    return [
        "",
        f"  {day_time(view.day_s)}   {view.said}",
        "",
        f"  {'':<{width}}  server  without  with dosekeeper",
        *(f"  {row.name:<{width}}  {_state(row.upstream):<6}  {row.plain:>7}  {_bar(row, most)}" for row in view.rows),
        f"  {'in all':<{width}}  {'':<6}  {plain:>7}  {given:>4} doses; {waiting} records wait, {confirmed} are confirmed",
        f"  {'longest wait at a desk':<{width}}  {longest_s:.1f} s",
        "",
    ]


def day_time(day_s: float) -> str:
    """Return a time of the day that is played, to the minute."""
    minutes = int(day_s) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _figures(row: Row) -> tuple[int, int, int, int]:
    return row.given, row.plain, row.waiting, row.confirmed


def _state(upstream: str) -> str:
    return upstream if upstream in ("up", "down", "held") else "-"


def _bar(row: Row, most: int) -> str:
    """Draw what was given, and which part of it is still to be confirmed."""
    whole = BAR * row.given // most
    waits = min(whole, BAR * row.waiting // most)
    return f"{row.given:>4} {'#' * (whole - waits)}{'.' * waits}"
