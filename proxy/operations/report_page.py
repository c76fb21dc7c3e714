"""The report of outages as a page: no script, nothing to be fetched, so that it can be sent on, opened anywhere and printed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from proxy.operations.report_content import COLUMNS, EXPLAINED, KINDS, Told, about, head_of, heading, in_short, period
from proxy.operations.report_tracks import DAY_S, Track, tracks
from proxy.operations.report_words import Words
from proxy.texts import marked

COLOURS: Final = {"up": "#dcebdd", "down": "#b3261e", "slow": "#e3a32b", "planned": "#4a78a8", "unobserved": "url(#unobserved)"}

STYLE: Final = """
body{font:15px/1.5 system-ui,'Noto Sans','Noto Sans Devanagari',sans-serif;color:#1d2430;max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:1.8rem 0 .4rem}.small{color:#5a6472;font-size:.87rem;margin:.2rem 0}
.short{font-size:1.05rem;border-left:4px solid #b3261e;padding-left:.8rem}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.82rem}th,td{text-align:right;padding:.25rem .4rem;border-bottom:1px solid #dde2e8}
td{white-space:nowrap}
th{font-weight:600;vertical-align:bottom}td:first-child{text-align:left}
tr.sum td{font-weight:600;background:#f4f6f8}
section{break-inside:avoid;border:1px solid #dde2e8;border-radius:6px;padding:.6rem .9rem;margin:.6rem 0}
section h3{font-size:.95rem;margin:0 0 .2rem}section p{margin:.1rem 0;font-size:.9rem}svg{display:block;width:100%;height:auto}
@media print{body{margin:0;max-width:none}}
"""

LABEL: Final = 128
WIDTH: Final = 960
HEIGHT: Final = 22
GAP: Final = 5
HEAD: Final = 20
LEGEND: Final = 30


def page(report: Told, words: Words, centre: str) -> str:
    """Return the report as one HTML file."""
    outages = "".join(_outage(outage, words) for outage in report["outages"])
    parts = (
        f"<h1>{escape(heading(words, centre))}</h1><p class=small>{escape(period(report, words))}</p>",
        f"<p class=short>{escape(in_short(report, words))}</p>",
        _headed(words, marked("When"), _drawing(report, words)),
        _headed(words, marked("By day and month"), f"<div class=wide>{_table(report, words)}</div>"),
        _headed(words, marked("Each of them"), outages) if outages else "",
        _headed(words, marked("How to read it"), ""),
        *(f"<p class=small>{escape(words.say(one))}</p>" for one in EXPLAINED),
    )
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(heading(words, centre))}</title>"
    return f"<!doctype html><html lang={words.language}><head>{head}<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"


def _headed(words: Words, head: str, content: str) -> str:
    return f"<h2>{escape(words.say(head))}</h2>{content}"


def _outage(outage: Told, words: Words) -> str:
    said = "".join(f"<p>{escape(one)}</p>" for one in about(outage, words))
    return f"<section><h3>{escape(head_of(outage, words))}</h3>{said}</section>"


def _table(report: Told, words: Words) -> str:
    heads = "".join(f"<th>{escape(words.say(head))}</th>" for head, _ in COLUMNS)
    days = "".join(_row(words.day(day["from"]), day, words) for day in report["days"])
    months = "".join(_row(words.month(month["from"]), month, words, " class=sum") for month in report["months"] if len(report["days"]) > 1)
    total = _row(words.say(marked("Total")), report["total"], words, " class=sum") if len(report["months"]) > 1 else ""
    return f"<table><tr><th></th>{heads}</tr>{days}{months}{total}</table>"


def _row(label: str, figures: Told, words: Words, kind: str = "") -> str:
    cells = "".join(f"<td>{escape(tell(figures, words))}</td>" for _, tell in COLUMNS)
    return f"<tr{kind}><td>{escape(label)}</td>{cells}</tr>"


def _drawing(report: Told, words: Words) -> str:
    found = list(tracks(report, words))
    height = HEAD + len(found) * (HEIGHT + GAP) + LEGEND
    drawn = "".join(_track(track, HEAD + place * (HEIGHT + GAP), words) for place, track in enumerate(found))
    hatch = (
        "<defs><pattern id=unobserved width=6 height=6 patternUnits=userSpaceOnUse patternTransform='rotate(45)'>"
        "<rect width=6 height=6 fill='#f1f3f5'/><rect width=2 height=6 fill='#b9c0c8'/></pattern></defs>"
    )
    axis = "".join(_axis(found[0], height, words))
    legend = "".join(_legend(height - 10, words))
    title = escape(words.say(marked("When the server was down, slow, in maintenance, and when nobody watched")))
    open_ = f"<svg viewBox='0 0 {WIDTH} {height}' role=img font-size=12 font-family='system-ui,sans-serif'><title>{title}</title>"
    return f"{open_}{hatch}{drawn}{axis}{legend}</svg>"


def _track(track: Track, top: int, words: Words) -> str:
    label = f"<text x=0 y={top + 15} fill='#1d2430'>{escape(words.day(track.since))}</text>"
    known = _rect(track.known[0], track.known[1], top, "up", "")
    return f"{label}{known}{''.join(_piece(track, top, words))}"


def _piece(track: Track, top: int, words: Words) -> Iterator[str]:
    for piece in track.pieces:
        since, until = words.time(piece.told["from"]), words.time(piece.told["to"])
        yield _rect(piece.begin, piece.end, top, piece.kind, f"{words.say(KINDS[piece.kind])}: {since} – {until}")


def _rect(begin: float, end: float, top: int, kind: str, title: str) -> str:
    left, width = _x(begin), max(1.0, _x(end) - _x(begin))  # what is short is seen all the same
    said = f"<title>{escape(title)}</title>" if title else ""
    where = f"x='{left:.1f}' y='{top}' width='{width:.1f}' height='{HEIGHT}'"
    return f"<rect class={kind} {where} fill='{COLOURS[kind]}'>{said}</rect>"


def _axis(track: Track, height: int, words: Words) -> Iterator[str]:
    parts = 8 if track.length_s == DAY_S else 4
    for number in range(parts + 1):
        at = f"{_x(number / parts):.1f}"
        anchor = {0: "start", parts: "end"}.get(number, "middle")
        clock = words.clock(track.mark(number / parts), seconds=track.length_s < 3600)  # noqa: PLR2004 - an hour
        yield f"<text x={at} y=13 text-anchor={anchor} fill='#5a6472'>{escape(clock)}</text>"
        yield f"<path d='M{at} {HEAD - 3}V{height - LEGEND}' stroke='#1d2430' stroke-opacity='.18'/>"


def _legend(y: int, words: Words) -> Iterator[str]:
    left = float(LABEL)
    for kind, text in {"up": marked("up"), **KINDS}.items():
        yield f"<rect x='{left}' y='{y - 11}' width='14' height='14' fill='{COLOURS[kind]}'/>"
        yield f"<text x='{left + 20}' y='{y}' fill='#1d2430'>{escape(words.say(text))}</text>"
        left += 150


def _x(share: float) -> float:
    return LABEL + share * (WIDTH - LABEL)
