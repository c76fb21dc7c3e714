"""Drawings of a day as SVG, in text: a frame with hours across, what shades it, lines and bars in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing's inner field, in pixels; across it the minutes of the day *begin* to *end*, upwards 0 to *most*."""

    left: float
    top: float
    width: float
    height: float
    begin: float
    end: float
    most: float = 1.0

    def x(self, minute: float) -> float:
        """Return the place of a minute; what lies outside is put on the edge."""
        part = (min(max(minute, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(self.left + part * self.width, 1)

    def y(self, value: float) -> float:
        """Return the height of a value."""
        return round(self.top + self.height * (1 - min(value, self.most) / self.most), 1)

    @property
    def bottom(self) -> float:
        """The height of 0."""
        return self.top + self.height

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.left + self.width


def svg(width: float, height: float, title: str, *parts: str) -> str:
    """Return a drawing; *title* says what it shows to who does not see it."""
    head = f'<div class="wide"><svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
    return "".join((head, f"<title>{escape(title)}</title>", *parts, "</svg></div>"))


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    """Return a text; *kind* is its class."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(said)}</text>'


def band(frame: Frame, begin: float, end: float | None, kind: str, said: str = "") -> str:
    """Return a shaded time; what has no end goes on to the edge."""
    left, right = frame.x(begin), frame.x(frame.end if end is None else end)
    title = f"<title>{escape(said)}</title>" if said else ""
    box = f'x="{left}" y="{frame.top:g}" width="{max(1.0, right - left):.1f}" height="{frame.height:g}"'
    return f'<rect {box} class="{kind}">{title}</rect>'


def upright(frame: Frame, minute: float, kind: str) -> str:
    """Return a line from top to bottom."""
    x = frame.x(minute)
    return f'<path d="M{x} {frame.top:g}V{frame.bottom:g}" class="{kind}"/>'


def level(frame: Frame, value: float, kind: str) -> str:
    """Return a line across."""
    return f'<path d="M{frame.left:g} {frame.y(value)}H{frame.left + frame.width:g}" class="{kind}"/>'


def hours(frame: Frame) -> str:
    """Return the hours below the frame, with a fine line for each."""
    return "".join(_hours(frame))


def _hours(frame: Frame) -> Iterator[str]:
    for hour in range(int(frame.begin // 60), int(frame.end // 60) + 1):
        yield upright(frame, hour * 60, "grid")
        yield text(frame.x(hour * 60), frame.bottom + 15, f"{hour}:00", "small", "middle")


def rising(frame: Frame, steps: Sequence[int], step_min: float, kind: str) -> str:
    """Return the line of all that has come about until each moment."""
    points = [(frame.begin, 0), *((frame.begin + step_min * (place + 1), total) for place, total in enumerate(accumulate(steps)))]
    inside = [(minute, total) for minute, total in points if minute <= frame.end + step_min]
    last = (frame.end, sum(steps)) if points[-1][0] < frame.end else inside[-1]
    path = "L".join(f"{frame.x(minute)} {frame.y(total)}" for minute, total in (*inside, last))
    return f'<path d="M{path}" class="{kind}"/>'


def bars(frame: Frame, steps: Sequence[float], step_min: float, kind: str, *, down: bool = False) -> str:
    """Return a bar for each step, as one path: in the frame or, *down*, mirrored below it."""
    wide = frame.width * step_min / (frame.end - frame.begin) - 1
    shown = [(frame.begin + step_min * place, frame.bottom - frame.y(value)) for place, value in enumerate(steps) if value]
    path = "".join(
        f"M{frame.x(minute) + 0.5:.1f} {frame.bottom:g}v{high if down else -high:.1f}h{wide:.1f}V{frame.bottom:g}z"
        for minute, high in shown
        if minute < frame.end
    )
    return f'<path d="{path}" class="{kind}"/>'
