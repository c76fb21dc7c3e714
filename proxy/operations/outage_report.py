"""The outages of some days as JSON-able values: for whoever has to report them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from proxy.operations import outages
from proxy.operations.asked import ReportAsked
from proxy.operations.centre import Centre
from proxy.operations.errors import Unfit
from proxy.operations.times import rfc3339
from proxy.profiles.model import CountsAs
from proxy.rules.outage import lasted_ms
from proxy.rules.outage_report import KINDS, Drawn, Entry, Figures, Made, days, drawn, figures, months, unobserved
from proxy.rules.spans import Span
from proxy.rules.stamps import Stamp
from store.outage_ledger import OutageFilter
from store.outages import Outage, Watch

DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 400 * DAY_MS
"""A year and a month: more days are more than anybody reads."""

NOTED_WITHIN_MS: Final = 60_000
"""A running service has noted within so much time that it is watching (`proxy.traffic.watch_keeper`)."""


async def report(centre: Centre, asked: ReportAsked) -> dict[str, Any]:
    """
    Return the rows of the ledger that touch the time asked for, and what each day and month of it came to; the future is left out.

    Raises:
        Unfit: there is nothing between the two times, or more than 400 days.
    """
    now, zone = centre.clock.stamp(), ZoneInfo(asked.timezone)
    until = now.wall if asked.until is None else min(asked.until, now.wall)
    bounds = Span(until - DAY_MS if asked.since is None else asked.since, until)
    if bounds.until <= bounds.since:
        raise Unfit("There is no time between --from and --to that has passed; give an earlier --from")
    if bounds.until - bounds.since > LONGEST_MS:
        raise Unfit("It is more than 400 days from --from to --to; ask for less at a time")
    entries = [await _entry(centre, row, now) for row in await outages.rows(centre, OutageFilter(since=bounds.since, until=bounds.until))]
    groups = centre.record_groups()
    spans = drawn(entries, groups, unobserved(await _watches(centre, bounds, now), bounds), bounds)

    def told(part: Span) -> dict[str, Any]:
        return _figures(figures(entries, groups, spans, part, bounds.since))

    return {
        "from": rfc3339(bounds.since),
        "to": rfc3339(bounds.until),
        "made_at": rfc3339(now.wall),
        "timezone": asked.timezone,
        "total": told(bounds),
        "months": [told(month) for month in months(bounds, zone)],
        "days": [told(day) for day in days(bounds, zone)],
        "outages": await _lines(centre, entries, now),
        "timeline": _timeline(spans),
    }


async def _entry(centre: Centre, row: Outage, now: Stamp) -> Entry:
    counts: Mapping[str, CountsAs | None] = {route.name: route.counts_as for route in centre.profile().routes}
    by_kind: Counter[CountsAs | None] = Counter()
    routes = await centre.journal.records_in(row.id, now.wall)
    for route in routes:
        by_kind[counts.get(route.route)] += route.records
    waiting = sum(route.waiting for route in routes)
    confirmed = [route.confirmed_at for route in routes if route.confirmed_at is not None]
    made = Made(
        records=by_kind.total(),
        doses=by_kind[CountsAs.DOSE],
        walk_ins=by_kind[CountsAs.WALK_IN],
        waiting=waiting,
        late=sum(route.late for route in routes),
        confirmed_at=max(confirmed) if confirmed and not waiting else None,
        given_up=sum(route.given_up for route in routes),
    )
    return Entry(row, row.started_at + lasted_ms(row, now), made)


async def _watches(centre: Centre, bounds: Span, now: Stamp) -> list[Watch]:
    found = await centre.journal.watches(bounds.since - NOTED_WITHIN_MS, bounds.until)
    if found and centre.traffic is not None and now.wall - found[-1].seen_at <= NOTED_WITHIN_MS:  # it is ours, and goes on
        found[-1] = replace(found[-1], seen_at=max(found[-1].seen_at, now.wall))
    return found


async def _lines(centre: Centre, entries: list[Entry], now: Stamp) -> list[dict[str, Any]]:
    lines = await outages.lines(centre, [entry.row for entry in entries], now)
    return [line | _made(entry.made) for line, entry in zip(lines, entries, strict=True)]


def _figures(of: Figures) -> dict[str, Any]:
    seconds = {name: round(value, 3) for name, value in asdict(of).items() if name.endswith("_s")}
    return {"from": rfc3339(of.since), "to": rfc3339(of.until), "outages": of.outages, "own_line": of.own_line, **seconds, **_made(of.made)}


def _made(made: Made) -> dict[str, Any]:
    return asdict(made) | {"confirmed_at": rfc3339(made.confirmed_at)}


def _timeline(spans: Mapping[Drawn, list[Span]]) -> list[dict[str, Any]]:
    ordered = sorted((span, kind) for kind in KINDS for span in spans[kind])
    return [{"kind": kind, "from": rfc3339(span.since), "to": rfc3339(span.until)} for span, kind in ordered]
