"""The live view: redrawn in place on a terminal, a line a second elsewhere."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final, TextIO

from simulator.demo.plan import Phase
from simulator.demo.stage import Seen

LINE_EVERY_S: Final = 1.0
BAR: Final = 40


@dataclass(frozen=True, slots=True)
class View:
    """One picture; `clock_s` is seconds since the desks opened; `entered` counts the doses `given` and the registrations."""

    clock_s: float
    phase: Phase
    seen: Seen
    given: int
    entered: int
    longest_wait_s: float


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
        elif view.clock_s >= self._next_line_s:
            self._next_line_s = view.clock_s + LINE_EVERY_S
            self.say(line(view))

    def turn(self, phase: Phase) -> None:
        """Write what has changed; a picture shows that anyway."""
        if not self._redraws:
            self.say(f"{phase.words[0].upper()}{phase.words[1:]}.")

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
        self._out.write(up + "".join(f"\x1b[2K{row}\n" for row in rows))
        self._out.flush()
        self._rows = len(rows)


def can_redraw(out: TextIO) -> bool:
    """Tell whether *out* is a terminal that understands cursor movements; the old console of Windows does not."""
    return out.isatty() and os.environ.get("TERM") != "dumb" and (sys.platform != "win32" or "WT_SESSION" in os.environ)


def line(view: View) -> str:
    """Return *view* in one line."""
    return (
        f"{_clock(view.clock_s)}  server {_truly(view)}, as the sidecar sees it {view.seen.upstream}; "
        f"{view.entered - view.given} registered, {view.given} doses; "
        f"waiting {view.seen.waiting}, confirmed {view.seen.confirmed}; longest wait {view.longest_wait_s:.1f} s"
    )


def picture(view: View) -> list[str]:
    """Return *view* as rows."""
    return [
        "",
        f"  {_clock(view.clock_s)}   {view.phase.words}",
        "",
        f"  server                  {_truly(view)}",
        f"  as the sidecar sees it  {view.seen.upstream}",
        f"  walk-ins registered     {view.entered - view.given}",
        f"  doses given             {view.given}",
        f"  waiting to be sent      {_bar(view.seen.waiting, view.entered)}",
        f"  confirmed               {_bar(view.seen.confirmed, view.entered)}",
        f"  longest wait at a desk  {view.longest_wait_s:.1f} s",
        "",
    ]


def _truly(view: View) -> str:
    return ("slow" if view.phase is Phase.SLOW else "up") if view.phase.answers else "down"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def _bar(part: int, whole: int) -> str:
    return f"{part:<5} {'#' * (BAR * part // whole if whole else 0)}".rstrip()
