"""A figure: what was measured, against what, and how it is printed. One way for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from statistics import median
from typing import Any, Final

ROW: Final = 26
LEFT, WIDTH, BAR = 330, 900, 420


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One measured thing: *value*, the median of its rounds.

    Where there is a yardstick, what counts is *ratio*, the median of the rounds' ratios, and *wanted* is one too; `at_most` says which way.
    """

    name: str
    value: float
    unit: str
    wanted: float | None = None
    at_most: bool = False
    yardstick: str = ""
    yardstick_value: float | None = None
    ratio: float | None = None
    remark: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it is as good as was wanted; None where nothing was."""
        if self.wanted is None:
            return None
        counts = self.value if self.ratio is None else self.ratio
        return counts <= self.wanted if self.at_most else counts >= self.wanted


def compared(name: str, unit: str, rounds: Sequence[tuple[float, float]], yardstick: str, wanted: float | None, remark: str = "") -> Figure:
    """Return a figure of (ours, the yardstick's) of each round."""
    ours, theirs = (round(median(values), 1) for values in zip(*rounds, strict=True))
    ratio = round(median(one / other for one, other in rounds), 3)
    return Figure(name, ours, unit, wanted, yardstick=yardstick, yardstick_value=theirs, ratio=ratio, remark=remark)


def plain(name: str, unit: str, rounds: Sequence[float], at_most: float | None = None, remark: str = "") -> Figure:
    """Return a figure that is compared with nothing."""
    return Figure(name, round(median(rounds), 2), unit, at_most, at_most=True, remark=remark)


def table(figures: Sequence[Figure]) -> str:
    """Return them as a table in Markdown, which a terminal shows as well."""
    rows = [("measure", "", "yardstick", "", "ratio", "wanted", "")]
    rows += [
        (
            figure.name,
            f"{figure.value:,g} {figure.unit}",
            figure.yardstick,
            "" if figure.yardstick_value is None else f"{figure.yardstick_value:,g} {figure.unit}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            "" if figure.wanted is None else f"{'≤' if figure.at_most else '≥'} {figure.wanted:g}",
            ("" if figure.reached is None else "yes" if figure.reached else "**no**") + (f" {figure.remark}" if figure.remark else ""),
        )
        for figure in figures
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def nested(figures: Mapping[str, Mapping[str, object]]) -> str:
    """Return the figures of a part that has a table of its own, as plain lines."""
    return "\n".join(f"{part:22} {name:22} {value}" for part, values in figures.items() for name, value in values.items())


def as_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return them for a machine."""
    return [asdict(figure) | {"reached": figure.reached} for figure in figures]


def chart(title: str, figures: Sequence[Figure]) -> str:
    """Return an SVG: a bar for each figure that has a ratio, its yardstick being the whole width, and a mark at what was wanted."""
    shown = [figure for figure in figures if figure.ratio is not None]
    height = 50 + ROW * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="12" y="22" font-size="14">{escape(title)}</text>',
    ]
    for index, figure in enumerate(shown):
        y = 40 + ROW * index
        ratio = figure.ratio or 0.0
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end">{escape(figure.name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{BAR}" height="18" fill="#eee"/>',
            f'<rect x="{LEFT}" y="{y}" width="{min(ratio, 1.2) * BAR:.0f}" height="18" fill="#0b6e4f"/>',
            f'<text x="{LEFT + min(ratio, 1.2) * BAR + 6:.0f}" y="{y + 13}">{ratio:.2f} × {escape(figure.yardstick)}</text>',
        ]
        if figure.wanted is not None:
            x = LEFT + figure.wanted * BAR
            parts.append(f'<line x1="{x:.0f}" y1="{y - 3}" x2="{x:.0f}" y2="{y + 21}" stroke="#c1121f" stroke-width="2"/>')
    return "\n".join([*parts, "</svg>", ""])
