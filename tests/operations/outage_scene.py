"""Two days of July 2021 at a centre, with one of everything that a report can tell; the journal is real, the days are written into it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from proxy.operations.asked import ReportAsked
from proxy.operations.centre import Centre
from proxy.profiles.load import load_profile
from proxy.settings import load_settings
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.persons import persons_of
from store.journal import Journal
from store.outages import Failed, Note, Seen, Slowness, Start
from store.records import NewRecord, RecordState, Settlement

ZONE: Final = "Asia/Kolkata"
GROUP: Final = "vaccinator"


def at(text: str) -> int:
    """Return a time of July 2021 at the centre, `30 12:04:10`, as milliseconds UTC."""
    return round(datetime.fromisoformat(f"2021-07-{text.replace(' ', 'T')}+05:30").timestamp() * 1000)


def seen(text: str) -> Seen:
    return Seen(at(text), at(text), "this boot", at(text) / 1000)


class Evening(Clock):
    """The evening of the second day."""

    def wall(self) -> int:
        return at("30 20:00:00")


async def centre(journal: Journal, folder: Path) -> Centre:
    (folder / "config.yaml").write_text(json.dumps({"centre": {"id": "rudrapur", "name": "Rudrapur", "number": 7}}))
    settings = load_settings(folder / "config.yaml", {})
    return Centre(journal, Evening(), persons_of(settings, ActiveProfile(load_profile("cowin-vaccinator", Path())), journal))


async def record(journal: Journal, number: int, route: str, when: str, state: RecordState, settled: str = "") -> None:
    own = number.to_bytes(16)
    deadline = at("31 17:00:00") if when.startswith("30") else at("30 17:00:00")
    new = NewRecord(own, route, GROUP, (own,), "POST", "/", b"", b"{}", at(when), natural_key=own, content=own, deadline_at=deadline)
    await journal.record(new, send=True)
    if state is not RecordState.SENDING:
        await journal.settle(number, 1, Settlement(state, "accepted"), at(settled))


async def written(journal: Journal) -> None:
    """Write the two days: watched from 8 to 18, an outage each, a brown-out, maintenance, a restart in the second outage."""
    for begins, ends, by in (
        ("29 08:00:00", "29 18:00:00", "start"),
        ("30 08:00:00", "30 13:00:00", "start"),
        ("30 13:10:00", "30 18:00:00", "start"),
    ):
        await journal.go_on_watching(await journal.begin_watch(at(begins), by), at(ends))
    await record(journal, 1, "vaccinate", "29 11:00:03", RecordState.DELIVERED, "30 18:00:00")
    first = await journal.open_outage(GROUP, at("29 11:00:00"), at("29 11:00:06"), "timeout", "upstream", seen("29 11:00:06"))
    await journal.place_outage(first.id, "local")
    await journal.end_outage(first.id, at("29 11:20:00"), seen("29 11:20:00"))
    slow = Slowness(at("30 10:00:00"), at("30 10:20:00"), 200, 50, "answered after 3.2 s", "answered after 8.0 s")
    await journal.end_outage(await journal.begin_slow(GROUP, slow, seen("30 10:02:00")), at("30 10:20:00"), seen("30 10:22:00"))
    start = Start(at("30 12:04:08"), at("30 12:04:11"), "connection refused")
    noon = await journal.open_outage(GROUP, at("30 12:04:10"), at("30 12:04:15"), "refused", "upstream", seen("30 12:04:15"), start)
    for number, (route, when) in enumerate(
        (("vaccinate", "30 12:05:00"), ("register", "30 12:30:00"), ("vaccinate", "30 12:31:00"), ("schedule-onspot", "30 12:31:00")),
        start=2,
    ):
        await record(journal, number, route, when, RecordState.DELIVERED, f"30 15:0{number}:00")
    await journal.add_unobserved(noon.id, 600_000, seen("30 13:10:00"))
    await journal.touch_outage(noon.id, Failed(at("30 14:59:57"), at("30 14:59:55"), "503 Service Unavailable"), seen("30 14:59:57"))
    await journal.lengthen_wait(noon.id, 3_010)
    await journal.end_outage(noon.id, at("30 15:00:10"), seen("30 15:00:20"))
    await journal.mark_drained(GROUP, at("30 15:06:00"))
    await journal.annotate(Note(noon.id, at("30 16:00:00"), "Asha Rawat (invented)", "the ministry said so <b>", "overload"))
    await journal.hold(None, "planned maintenance", "Asha Rawat (invented)", at("30 17:00:00"))
    await journal.release("Asha Rawat (invented)", at("30 17:30:00"))


BOTH: Final = ReportAsked(since="2021-07-29T00:00:00+05:30", until="2021-07-31T00:00:00+05:30", timezone=ZONE)  # type: ignore[arg-type]
