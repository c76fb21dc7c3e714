"""The page's drawings: doses in the course of the day, each centre, what reaches the server. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from simulator.demo import drawing
from simulator.demo.drawing import Frame
from simulator.demo.history import STEP_MIN

File = Mapping[str, Any]
"""The result file, or a part of it."""

WIDTH: Final = 1040
NAMES: Final = 150
"""Pixels to the left of a drawing's inner field."""

FIGURES: Final = 228
"""Pixels to the right of it."""

FIELD: Final = WIDTH - NAMES - FIGURES

CENTRE: Final = 46
"""Pixels for each centre."""

VALUES_MAX: Final = 4
"""Values on a scale."""


def doses(result: File) -> str:
    """Return the lines of all that was given, and of what of it the server knew."""
    kept, without = _sum(result, "with", "given"), _sum(result, "without", "given")
    taken_on = _sum(result, "with", "taken_on")
    frame = Frame(NAMES, 30, FIELD, 230, *_hours(result), most=1.08 * max(1, sum(kept), sum(without)))
    return drawing.svg(
        WIDTH,
        284,
        "Doses given in the course of the day, with dosekeeper and without",
        _sky(result, frame),
        *(_scale(frame, value) for value in _round_values(frame.most)),
        drawing.rising(frame, taken_on, STEP_MIN, "line confirmed"),
        drawing.rising(frame, without, STEP_MIN, "line without"),
        drawing.rising(frame, kept, STEP_MIN, "line with"),
        drawing.text(frame.right + 10, frame.y(sum(kept)) + 4, f"{sum(kept):,} with dosekeeper", "figure"),
        drawing.text(frame.right + 10, frame.y(sum(without)) + 4, f"{sum(without):,} without", "figure"),
        _key(("with", "given, with dosekeeper"), ("confirmed", "of these, on the server’s register"), ("without", "given, without")),
    )


def centres(result: File) -> str:
    """Return a row of bars for each centre, and below it, hanging, that of the day without."""
    kept, without = result["with"]["centres"], result["without"]["centres"]
    begin, end = _hours(result)
    whole = Frame(NAMES, 30, FIELD, CENTRE * len(kept), begin, end)
    parts = [_sky(result, whole)]
    for place, (centre, plain) in enumerate(zip(kept, without, strict=True)):
        most = max(1, *centre["history"]["given"], *plain["history"]["given"])
        parts += _centre(Frame(NAMES, 30 + CENTRE * place + 5, FIELD, (CENTRE - 8) / 2, begin, end, most), centre, plain)
    key = _key(("with", "with dosekeeper"), ("without", "without"), ("measured", "the outage, as the centre has it on record"))
    return drawing.svg(WIDTH, whole.bottom + 24, "Doses given at each centre in the course of the day", *parts, key)


def _centre(frame: Frame, centre: File, plain: File) -> Iterator[str]:
    figures, history, others = centre["result"], centre["history"], plain["result"]
    yield drawing.text(NAMES - 10, frame.top + 14, centre["name"], "name", "end")
    yield drawing.text(NAMES - 10, frame.top + 30, centre["local"], "small", "end")
    yield drawing.bars(frame, history["given"], STEP_MIN, "bar with")
    yield drawing.bars(frame, plain["history"]["given"], STEP_MIN, "bar without", down=True)
    for begin, end in history["measured"]:
        yield drawing.band(Frame(frame.left, frame.bottom - 1, FIELD, 3, frame.begin, frame.end), begin, end, "measured")
    if history["dead"] is not None:
        yield drawing.text(frame.x(history["dead"][0]), frame.bottom + 13, "▲ killed (kill -9), and back", "bad")
    right = frame.right + 10
    yield drawing.text(right, frame.top + 14, f"{figures['doses_given']} doses, {figures['given_in_outage']} in the outage", "figure")
    yield drawing.text(right, frame.top + 31, f"{others['doses_given']} doses, {others['sent_home']} people sent home", "other")


def load(result: File) -> str:
    """Return the bars of what reached the server, and what it bears."""
    kept, without = (_per_second(result[which]["server"]) for which in ("with", "without"))
    most, most_without = (result[which]["server"]["most_in_a_second"] for which in ("with", "without"))
    capacity = result["day"]["capacity"] or 0
    frame = Frame(NAMES, 30, FIELD, 70, *_hours(result), most=1.1 * max(1, capacity, *kept))
    deep = frame.height * max(without, default=0) / frame.most + 4
    return drawing.svg(
        WIDTH,
        frame.bottom + deep + 24,
        "Requests that reach the server, a second",
        _sky(result, replace(frame, height=frame.height + deep)),
        drawing.bars(frame, kept, STEP_MIN, "bar with"),
        drawing.bars(frame, without, STEP_MIN, "bar without", down=True),
        drawing.level(frame, capacity, "limit"),
        drawing.text(frame.right + 10, frame.y(capacity) + 4, f"it bears {capacity}", "bad"),
        drawing.text(frame.right + 10, frame.bottom - 8, f"at most {most} after the return", "figure"),
        drawing.text(frame.right + 10, frame.bottom + 16, f"at most {most_without}", "other"),
        _key(("with", "requests in a second, with dosekeeper"), ("without", "without")),
    )


def _sky(result: File, frame: Frame) -> str:
    """Return the hours, the time in which the server is down and, lighter, that in which it is in trouble before."""
    down, back = outage(result)
    before = min((minute for minute, _ in result["day"]["said"]), default=down)
    return "".join(
        (
            drawing.band(frame, before, down, "trouble", "slow, and some answers lost"),
            drawing.band(frame, down, back, "down", "server down"),
            drawing.hours(frame),
            drawing.text((frame.x(down) + frame.x(back)) / 2, frame.top - 6, "server down", "bad", "middle"),
        )
    )


def _key(*entries: tuple[str, str]) -> str:
    left, parts = float(NAMES), []
    for kind, said in entries:
        parts += [f'<rect x="{left:g}" y="0" width="14" height="10" class="key {kind}"/>', drawing.text(left + 19, 9, said, "small")]
        left += 40 + 6.2 * len(said)
    return "".join(parts)


def _scale(frame: Frame, value: float) -> str:
    return drawing.level(frame, value, "grid") + drawing.text(frame.left - 8, frame.y(value) + 4, f"{value:,.0f}", "small", "end")


def _round_values(most: float) -> Iterator[float]:
    """Yield a few round values up to *most*."""
    steps = (size * unit for unit in (1, 10, 100, 1000, 10_000) for size in (1, 2, 5))
    step = next(step for step in steps if most < (VALUES_MAX + 1) * step)
    yield from (step * place for place in range(1, int(most / step) + 1))


def _sum(result: File, which: str, what: str) -> list[int]:
    every: Sequence[Sequence[int]] = [centre["history"][what] for centre in result[which]["centres"]]
    return [sum(steps[place] for steps in every if place < len(steps)) for place in range(max(map(len, every)))]


def _per_second(server: File) -> list[float]:
    return [count / server["step_s"] for count in server["requests"]]


def _hours(result: File) -> tuple[float, float]:
    """Return the minutes between which is drawn: from opening to closing, and as long as it took to send all."""
    begin, end = (result["plan"][name] / 60 for name in ("opens_s", "closes_s"))
    return begin, max(end, begin + STEP_MIN * len(_sum(result, "with", "taken_on")))


def outage(result: File) -> tuple[float, float]:
    """Return the minutes from which, and until which, the server was down."""
    begin, end = result["with"]["server"]["down"]
    return begin, end
