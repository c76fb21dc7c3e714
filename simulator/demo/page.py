"""The result file as one page: no script, nothing to be fetched, so that it can be sent on and opened anywhere. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from simulator.demo import pictures
from simulator.demo.page_style import STYLE
from simulator.demo.rows import NONE, ROWS, Row

File = Mapping[str, Any]
"""The result file, or a part of it."""


HEAD: Final = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    f"<title>30 July 2021, Rudrapur</title><style>{STYLE}</style></head>"
)


def page(result: File) -> str:
    """Return the page."""
    parts = (
        "<h1>Friday 30 July 2021, Rudrapur</h1>",
        _lead(result),
        _verdict(result),
        f"<div class=cards>{_card(result, 'with')}{_card(result, 'without')}</div>",
        "<h2>Doses given, all centres</h2>",
        pictures.doses(result),
        "<h2>Doses given in every ten minutes, each centre</h2>",
        pictures.centres(result),
        "<h2>What reaches the server</h2>",
        pictures.load(result),
        "<h2>In figures</h2>",
        _table(result),
        *_report(result),
        "<h2>How this was made</h2>",
        *_notes(result),
    )
    return f"{HEAD}<body>{''.join(parts)}</body></html>\n"


def _lead(result: File) -> str:
    plan, (down, back) = result["plan"], pictures.outage(result)
    return (
        f"<p class=lead>The national server is down from {_time(down)} to {_time(back)}. {plan['people']:,} people come to "
        f"{plan['centres']} centres: the same people, twice, with dosekeeper beside the desks and without.</p>"
    )


def _verdict(result: File) -> str:
    if not result["broken"]:
        lost = (
            "no dose lost, none recorded twice, none out of order, no look-up that showed anything wrong, nobody sent away by a desk that "
            "could not record"
        )
        return f"<p class='verdict kept'><b>Every guarantee was kept</b>: {lost}. The server’s own ledger is the judge.</p>"
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in result["broken"])
    return f"<div class='verdict broken'><b>A guarantee is broken</b><ul>{sentences}</ul></div>"


def _card(result: File, which: str) -> str:
    figures = result[which]["all"]
    twice = figures["twice"] + figures["registered_twice"]
    home = figures["sent_home"]
    wait_s = figures["longest_wait_s"]
    in_time = wait_s < result["limits"]["wait_s"] + figures["dead_s"]
    wait = f"{wait_s:.1f} s" if in_time else _long(wait_s * result["plan"]["speed"])
    lines = (
        (f"{figures['doses_given']:,}", "doses given"),
        (f"{figures['given_in_outage']:,}", "of them while the server was down"),
        (f"{figures['look_ups_answered_in_outage']:,}", f"look-ups answered meanwhile, of {figures['look_ups_in_outage']:,}"),
        _age(figures, result["plan"]["speed"]),
        (f"{home:,}", "people sent home at closing time"),
        (wait, "the longest wait of a desk for its answer"),
        (f"{twice:,}", "doses or people on the register twice"),
    )
    items = "".join(f"<li><b>{escape(value)}</b> {escape(said)}</li>" for value, said in lines)
    name = {"with": "With dosekeeper", "without": "Without"}[which]
    return f"<section class='card {which}'><h3>{name}</h3><ul>{items}</ul></section>"


def _age(figures: File, speed: float) -> tuple[str, str]:
    """Say how old these answers were, in the time of the day."""
    if figures["look_up_age_max_s"] is None:
        return NONE, "their age"
    median, oldest = (_long(figures[f"look_up_age_{which}_s"] * speed) for which in ("median", "max"))
    return median, f"their median age; {oldest} at most"


def _long(day_s: float) -> str:
    hours, minutes = divmod(round(day_s / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _table(result: File) -> str:
    kept = result["with"]
    names = "".join(f"<th>{escape(centre['name'])}</th>" for centre in kept["centres"])
    head = f"<tr><th></th><th>with dosekeeper</th>{names}<th>without</th></tr>"
    rows = "".join(_row(row, result) for row in ROWS)
    below = "<p class=small>Green rows are promised to be 0. Seconds are those of the run.</p>"
    return f"<div class=wide><table>{head}{rows}</table></div>{below}"


def _row(row: Row, result: File) -> str:
    kept, without = result["with"], result["without"]
    centres = "".join(f"<td>{row.told(centre['result'])}</td>" for centre in kept["centres"])
    kind = " class=promised" if row.promised else ""
    figures = f"<td class=all>{row.told(kept['all'])}</td>{centres}<td class=other>{row.without(without['all'])}</td>"
    return f"<tr{kind}><th>{escape(row.name)}</th>{figures}</tr>"


def _report(result: File) -> Iterator[str]:
    if "outage_report" in result:
        yield "<h2>The day’s report of outages, at the first centre</h2>"
        yield "<p class=small>As <code>dosekeeper outages report</code> writes it; its times are put into those of the day.</p>"
        yield f"<div class=wide><pre class=small>{escape(result['outage_report'])}</pre></div>"


def _notes(result: File) -> Iterator[str]:
    plan = result["plan"]
    one_in = f" Of {plan['one_in']} people who came, one comes here." if plan["one_in"] > 1 else ""
    speed = plan["speed"]
    yield (
        f"<p>Played on one machine in {plan['seconds']:.0f} seconds, {speed:.0f} times as fast as the day: a second is "
        f"{speed / 60:.1f} minutes. Real processes and sockets: a sidecar with its encrypted journal at each centre, and two simulated "
        f"servers ({escape(plan['profile'])}), which fail in the same way at the same time. Seed {plan['seed']}.{one_in}</p>"
        "<p>Not sped up: the 3 s within which a desk has its answer, and how late a slow server answers (1.5 s). Without dosekeeper a wait "
        "lasts as long as the server is away, and is told in the time of the day.</p>"
    )
    yield f"<p>{escape(result['settings'])}</p>"
    yield (
        "<p>From the press: the crowd from nine, eight blocks and the medical college with its 800 doses, the server gone about noon and "
        "back at about three. Invented: all people, which blocks, how many came to each, the minutes, and what came before and after. "
        "Three in four are walk-ins, registered on the spot.</p>"
        "<p>In the first hour each centre looks up those of its people who are on the register; everybody is looked up again before each "
        "dose. An answer is wrong if it shows other doses than the server knew of before the day and the desks have been told are "
        "recorded since.</p>"
        "<p>Without dosekeeper a desk looks up and asks again every two minutes of the day until it is told that the dose is recorded; its "
        "software is assumed to let nobody tap twice. What CoWIN makes of a repeated entry is not known; the simulated one takes it on.</p>"
    )
    said = "".join(f"<li><b>{_time(minute)}</b> {escape(what)}</li>" for minute, what in result["day"]["said"])
    yield f"<p>What happens to the servers:</p><ul>{said}</ul>"


def _time(minute: float) -> str:
    return f"{int(minute) // 60}:{int(minute) % 60:02}"
