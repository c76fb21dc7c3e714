"""The report of outages for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from proxy.operations.report_content import COLUMNS, EXPLAINED, KINDS, Told, about, head_of, heading, in_short, period
from proxy.operations.report_tracks import Track, tracks
from proxy.operations.report_words import Words
from proxy.texts import marked

BLOCKS: Final = 48
"""Of a track; each is half an hour of a day."""

SIGNS: Final = {"down": "█", "slow": "▒", "planned": "▚", "unobserved": "/"}
SHORT: Final = "▄"
"""Down, for less than half of a block."""
UP: Final = "·"


def text(report: Told, words: Words, centre: str) -> str:
    """Return the report as plain text."""
    parts = [
        "\n".join((heading(words, centre), period(report, words))),
        in_short(report, words),
        "\n".join(_timeline(report, words)),
        "\n".join(_table(report, words)),
        *("\n".join((head_of(outage, words), *(f"    {said}" for said in about(outage, words)))) for outage in report["outages"]),
        "\n".join(words.say(one) for one in EXPLAINED),
    ]
    return "\n\n".join(parts)


def _timeline(report: Told, words: Words) -> Iterator[str]:
    found = list(tracks(report, words))
    short = len(found) == 1 and found[0].length_s < 3600  # noqa: PLR2004 - an hour
    label = max(_width(words.day(track.since)) for track in found)
    for track in found:
        yield f"{_padded(words.day(track.since), label)}  {''.join(_blocks(track))}".rstrip()
    marks = "".join(f"{words.clock(found[0].mark(share / 4), seconds=short):<{BLOCKS // 4}}" for share in range(4))
    yield f"{' ' * label}  {marks}{words.clock(found[0].until, seconds=short)}".rstrip()
    up = words.say(marked("up"))
    signs = [f"{UP} {up}", *(f"{sign} {words.say(KINDS[kind])}" for kind, sign in SIGNS.items())]
    yield f"{' ' * label}  {'   '.join(signs)}"


def _blocks(track: Track) -> Iterator[str]:
    for number in range(BLOCKS):
        begin, end = number / BLOCKS, (number + 1) / BLOCKS
        covered = dict.fromkeys(SIGNS, 0.0)
        for piece in track.pieces:
            covered[piece.kind] += max(0.0, min(end, piece.end) - max(begin, piece.begin)) * BLOCKS
        if covered["down"]:
            yield SIGNS["down"] if covered["down"] >= 0.5 else SHORT  # noqa: PLR2004 - half
        elif end <= track.known[0] or begin >= track.known[1]:
            yield " "
        else:
            kind = max(covered, key=lambda one: covered[one])
            yield SIGNS[kind] if covered[kind] >= 0.5 else UP  # noqa: PLR2004 - half


def _table(report: Told, words: Words) -> Iterator[str]:
    rows = [
        ("", *(words.say(head) for head, _ in COLUMNS)),
        *((words.day(day["from"]), *_cells(day, words)) for day in report["days"]),
        *((words.month(month["from"]), *_cells(month, words)) for month in report["months"] if len(report["days"]) > 1),
        *([(words.say(marked("Total")), *_cells(report["total"], words))] if len(report["months"]) > 1 else []),
    ]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cells(figures: Told, words: Words) -> Sequence[str]:
    return [tell(figures, words) for _, tell in COLUMNS]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(cell: str) -> int:
    """Return how many columns a terminal needs: signs that stand above or below a letter need none."""
    return sum(unicodedata.category(sign) not in ("Mn", "Me", "Cf") for sign in cell)
