"""Draws lines over time as SVG: for the figures that are checked in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 860
HEIGHT: Final = 360
LEFT, RIGHT, TOP, BOTTOM = 48, 190, 40, 34
COLOURS: Final = ("#0b6e4f", "#c1121f", "#e09f3e", "#335c67", "#7b2d8b", "#555555")


@dataclass(frozen=True, slots=True)
class Line:
    """One named line of (x, y) points, x rising."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, lines: Sequence[Line], *, y_max: float, mark: float | None = None) -> str:
    """Return an SVG of *lines* from 0 to *y_max* (what is above is cut off), with a dashed line at *mark*."""
    x_max = max(x for line in lines for x, _ in line.points)

    def at(x: float, y: float) -> str:
        return f"{LEFT + x / x_max * (WIDTH - LEFT - RIGHT):.1f},{HEIGHT - BOTTOM - min(y, y_max) / y_max * (HEIGHT - TOP - BOTTOM):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/><text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for step in range(int(y_max) + 1):
        parts.append(f'<polyline points="{at(0, step)} {at(x_max, step)}" fill="none" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{float(at(0, step).split(",")[1]) + 4:.1f}" text-anchor="end">{step}</text>')
    for tick in range(7):
        x = x_max * tick / 6
        parts.append(f'<text x="{at(x, 0).split(",")[0]}" y="{HEIGHT - 12}" text-anchor="middle">{x:.0f}</text>')
    if mark is not None:
        parts.append(f'<polyline points="{at(0, mark)} {at(x_max, mark)}" fill="none" stroke="#000" stroke-dasharray="6 4"/>')
    for index, line in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        drawn = " ".join(at(x, y) for x, y in line.points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{3 if index == 0 else 1.5}"/>')
        place = f'x="{WIDTH - RIGHT + 12}" y="{TOP + 18 * index + 10}"'
        parts.append(f'<text {place} fill="{colour}" font-weight="{700 if index == 0 else 400}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
