"""The admin port, on a real socket: who may use it, and what it says."""

from __future__ import annotations

import asyncio
import re
import subprocess
import threading
from http import HTTPStatus
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics

from proxy.console import metrics
from proxy.console.guard import is_own_host
from proxy.operations.durable_metrics import DURABLE
from proxy.operations.places import PLACES
from proxy.rules.outcome import OutcomeKind
from proxy.rules.wire import Answer
from proxy.traffic.process_metrics import PROCESS
from simulator import Simulator
from store.journal import Journal
from store.outages import Failed, Seen
from store.queries import Db
from store.records import NewRecord
from store.snapshot import Snapshot
from tests.console.admin_port import TOKEN, AdminPort
from tests.console.scraped import durable_counters
from tests.monitoring.tools import needs
from tests.traffic.centre import LaterClock, a_centre


def a_record(at: int, group: str = "vaccinator") -> NewRecord:
    return NewRecord(
        id=at.to_bytes(16),
        route="vaccinate",
        group=group,
        lanes=(b"\1" * 16,),
        method="POST",
        target="/api/v2/vaccinator/beneficiaries/vaccinate",
        headers=b"",
        body=b"{}",
        recorded_at=at,
    )


async def test_every_metric_is_there_from_the_first_scrape_but_what_has_nothing_to_tell(port: AdminPort) -> None:
    status, text = await port.get("/metrics")
    assert status == HTTPStatus.OK
    told = set(re.findall(r"^# TYPE dosekeeper_(\S+)", text, re.MULTILINE))
    absent = {name for name, about in DURABLE.items() if "absent" in about.meaning and "group" not in about.labels}
    assert {*DURABLE, *PROCESS} - told == absent
    assert told <= {*DURABLE, *PROCESS}


async def test_states_known_in_advance_are_0_and_unknown_times_absent(port: AdminPort) -> None:
    families = await port.families()
    states = {sample.labels["state"]: sample.value for sample in families["dosekeeper_records"].samples}
    assert states == dict.fromkeys(("pending", "sending", "unknown", "held", "delivered", "refused", "discarded"), 0.0)
    assert {sample.labels["group"] for sample in families["dosekeeper_upstream_up"].samples} >= {"vaccinator", "auth", "other"}
    assert {sample.labels["route"] for sample in families["dosekeeper_records_recorded"].samples} == {
        "vaccinate",
        "register",
        "schedule-onspot",
    }
    absent = ("records_oldest_unsent_timestamp_seconds", "records_next_deadline_timestamp_seconds")
    assert not [name for name in absent if f"dosekeeper_{name}" in families]
    for name in ("outage_last_start_timestamp_seconds", "outage_last_end_timestamp_seconds"):
        assert families[f"dosekeeper_{name}"].samples == []


def seen_now(port: AdminPort) -> Seen:
    now = port.centre.clock.stamp()
    return Seen(now.wall, now.wall, now.boot_id, now.boot_s)


async def test_figures_are_the_journals(port: AdminPort) -> None:
    now = port.centre.clock.wall()
    await port.journal.record(a_record(now - 60_000), send=False)
    await port.journal.open_outage("vaccinator", now - 90_000, now - 80_000, "refused", "upstream", seen_now(port))
    await port.journal.hold(None, "", "asha", now)
    families = await port.families()

    def value(name: str, **labels: str) -> float:
        found = [sample.value for sample in families[f"dosekeeper_{name}"].samples if labels.items() <= sample.labels.items()]
        return found[0]

    assert value("records", state="pending") == 1
    assert value("records_recorded", route="vaccinate") == 1
    assert value("records_oldest_unsent_timestamp_seconds") == pytest.approx((now - 60_000) / 1000)
    assert value("outages", group="vaccinator") == 1
    assert value("outage_current_seconds", group="vaccinator") >= 90
    assert value("outage_last_start_timestamp_seconds", group="vaccinator") == pytest.approx((now - 90_000) / 1000)
    assert value("operator_hold") == 1


async def test_a_finished_outage_is_in_the_histogram_cumulatively(port: AdminPort) -> None:
    now = port.centre.clock.wall()
    for length_s in (20, 45, 2000):
        ended = now - 200_000
        outage = await port.journal.open_outage("auth", ended - length_s * 1000, ended, "timeout", "upstream", seen_now(port))
        await port.journal.end_outage(outage.id, ended, seen_now(port))
    samples = (await port.families())["dosekeeper_outage_duration_seconds"].samples
    buckets = {s.labels["le"]: s.value for s in samples if s.name.endswith("_bucket") and s.labels["group"] == "auth"}
    assert (buckets["10.0"], buckets["30.0"], buckets["60.0"], buckets["1800.0"], buckets["3600.0"], buckets["+Inf"]) == (0, 1, 2, 2, 3, 3)


async def test_an_outage_is_in_the_histogram_once_when_it_can_no_longer_go_on(make_port: object) -> None:
    clock = LaterClock()
    port: AdminPort = await make_port(clock=clock)  # type: ignore[operator]

    async def counted() -> tuple[float, float, float]:
        found = durable_counters((await port.get("/metrics"))[1])
        names = ("outages_total", "outage_duration_seconds_count", "outage_duration_seconds_sum")
        total, count, seconds = (found[name, "auth"] for name in names)
        return total, count, seconds // 10 * 10  # the clock that is set ahead also goes

    def after(seconds: int) -> int:
        clock.ahead_ms += seconds * 1000
        return clock.wall()

    at = after(0)
    outage = await port.journal.open_outage("auth", at, at, "timeout", "upstream", seen_now(port))
    await port.journal.end_outage(outage.id, after(600), seen_now(port))
    after(100)
    assert await counted() == (1, 0, 0)
    await port.journal.reopen_outage(outage.id, Failed(after(10)), seen_now(port))
    after(600)
    assert await counted() == (1, 0, 0)
    await port.journal.end_outage(outage.id, clock.wall(), seen_now(port))
    assert await counted() == (1, 0, 0)
    after(121)
    assert await counted() == (1, 1, 1310)
    at = after(0)
    await port.journal.open_outage("auth", at, at, "timeout", "upstream", seen_now(port))
    assert await counted() == (2, 1, 1310)


async def test_how_far_the_clock_is_off_is_absent_until_the_server_was_heard(port: AdminPort) -> None:
    assert "dosekeeper_clock_offset_seconds" not in await port.families()
    assert port.centre.traffic is not None
    early = Answer(200, "OK", ((b"Date", b"Fri, 30 Jul 2021 06:30:00 GMT"),), b"")
    port.centre.traffic.watch.hear(early, OutcomeKind.ACCEPTED, port.centre.clock.monotonic())
    (sample,) = (await port.families())["dosekeeper_clock_offset_seconds"].samples
    assert sample.value > 86_400


async def test_openmetrics_is_given_to_who_asks_for_it(port: AdminPort) -> None:
    async with port.http.get(f"{port.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        text = await answer.text()
    assert text.endswith("# EOF\n")
    assert "dosekeeper_records" in {family.name for family in parsed_openmetrics(text)}


async def test_a_journal_that_cannot_be_read_costs_its_metrics_only(port: AdminPort) -> None:
    await port.journal.close()
    families = await port.families()
    assert "dosekeeper_records" not in families
    assert "dosekeeper_http_requests" in families
    assert families["dosekeeper_journal_read_errors"].samples[0].value == 1
    assert (await port.families())["dosekeeper_journal_read_errors"].samples[0].value == 2


async def test_a_disk_that_hangs_costs_a_scrape_its_durable_metrics_and_gathers_no_readers(
    port: AdminPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "PATIENCE_S", 0.05)
    hangs, asked = threading.Event(), 0

    async def snapshot(*_: object) -> Snapshot:
        nonlocal asked
        asked += 1
        await port.journal._engine.read(lambda _: hangs.wait(30))
        return await Journal.snapshot(port.journal, 0, lambda _: True)

    monkeypatch.setattr(port.journal, "snapshot", snapshot)
    for errors in (1, 2):
        families = await port.families()
        assert "dosekeeper_records" not in families
        assert families["dosekeeper_journal_read_errors"].samples[0].value == errors
    assert asked == 1
    hangs.set()
    monkeypatch.setattr(metrics, "PATIENCE_S", 30)
    assert "dosekeeper_records" in await port.families()


async def test_what_nobody_thought_of_is_no_500(port: AdminPort, monkeypatch: pytest.MonkeyPatch) -> None:
    async def snapshot(*_: object) -> Snapshot:
        raise ZeroDivisionError

    monkeypatch.setattr(port.journal, "snapshot", snapshot)
    families = await port.families()
    assert families["dosekeeper_journal_read_errors"].samples[0].value == 1
    odd = ("text/plain;version=x", "application/openmetrics-text; version=1.x", "text/plain; version=" + "9" * 5000, ";;,=")
    for accept in odd:
        assert (await port.get("/metrics", Accept=accept))[0] == 200


async def test_whatever_clients_ask_there_are_no_more_series(tmp_path: Path) -> None:
    async with Simulator(seed=7, people=5) as sim, a_centre(tmp_path, f"{sim.url}/api") as centre:

        def series() -> set[tuple[str, ...]]:
            found = [(family.name, *s.labels.values()) for family in centre.sidecar.meters.registry.collect() for s in family.samples]
            return {each for each in found if each[0].startswith("dosekeeper_http")}

        async def ask(method: str, path: str) -> None:
            async with centre.desk.request(method, f"{centre.url}{path}", headers={"X-Odd": path}) as answer:
                await answer.read()

        methods, paths = ("GET", "POST", "BREW", "PROPFIND", "get"), ("/v2/{}", "/v2/admin?x={}", "/v2/registration/beneficiary/{}")
        for round_ in ("a", "9" * 500, "%E2%82%AC"):
            before = series()
            for method in methods:
                await asyncio.gather(*(ask(method, path.format(round_)) for path in paths))
        assert series() == before
        routes = {route.name for route in centre.sidecar.profile.profile.routes} | {"other"}
        counted = {labels[1:] for labels in series() if labels[0] == "dosekeeper_http_requests"}
    assert {method for method, _, _ in counted} == {"GET", "POST", "other"}
    assert {route for _, route, _ in counted} <= routes


@needs("promtool")
async def test_promtool_finds_nothing(port: AdminPort) -> None:
    _, text = await port.get("/metrics")
    process = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said) == (0, b"")


async def test_names_keep_prometheus_own_rules(port: AdminPort) -> None:
    for name, family in (await port.families()).items():
        assert re.fullmatch(r"dosekeeper_[a-z][a-z0-9_]*[a-z0-9]", name), name
        assert family.documentation.strip(), name
        assert not re.search(r"_(milliseconds|ms|minutes|hours|kilobytes|mib|percent)(_|$)", name), name
        assert not re.search(r"_(counter|gauge|histogram|summary|metric)(_|$)", name), name
        if family.type == "gauge":
            assert not name.endswith(("_total", "_count", "_sum", "_bucket")), name
        if family.type == "counter":
            assert {sample.name for sample in family.samples} <= {f"{name}_total"}, name


async def test_health(port: AdminPort) -> None:
    assert await port.get("/healthz") == (200, '{"alive":true}')
    assert await port.get("/readyz") == (200, '{"can_record":true}')
    await port.journal.close()
    assert (await port.get("/healthz"))[0] == 200
    assert await port.get("/readyz") == (503, '{"can_record":false}')


async def test_ready_in_an_outage(port: AdminPort) -> None:
    now = port.centre.clock.wall()
    await port.journal.open_outage("vaccinator", now, now, "refused", "upstream", seen_now(port))
    assert (await port.get("/readyz"))[0] == 200


async def test_a_token_guards_all_but_the_health_checks(make_port: object) -> None:
    port: AdminPort = await make_port(TOKEN)  # type: ignore[operator]
    for path in ("/metrics", "/api/status", "/no-such-page"):
        assert (await port.get(path))[0] == 401
        assert (await port.get(path, Authorization="Bearer wrong"))[0] == 401
        assert (await port.get(path, Authorization=f"Bearer {TOKEN}"))[0] == (404 if path == "/no-such-page" else 200)
    assert (await port.get("/readyz"))[0] == 200
    assert (await port.get("/api/status", Authorization=f"Bearer {TOKEN}", Host="centre.example:8481"))[0] == 200


async def test_a_web_page_cannot_make_a_browser_use_it(port: AdminPort) -> None:
    assert (await port.get("/api/status", Host="evil.example:8481"))[0] == 403
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        async with port.http.post(f"{port.url}/api/hold", data=b'{"by":"x"}', headers={"Content-Type": kind}) as answer:
            assert answer.status == 415
            assert answer.content_type == "application/problem+json"
    assert await port.journal.operator_hold() is None


READ_ONLY = sorted({place.path for place in PLACES.values() if place.method == "GET"} | {"/metrics", "/healthz", "/readyz"})


async def everything(journal: Journal) -> list[str]:
    def all_rows(db: Db) -> list[str]:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return [f"{table} {row}" for table in tables for row in db.execute(f"SELECT * FROM {table}")]

    return await journal._engine.read(all_rows)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nothing_is_changed_by_asking(port: AdminPort, method: str) -> None:
    now = port.centre.clock.wall()
    await port.journal.record(a_record(now), send=False)
    await port.journal.hold(None, "", "asha", now)
    before = await everything(port.journal)
    query = "by=x&reason=y&word=true&keys=1&reference=1&set=a%3D1"
    for path in READ_ONLY:
        async with port.http.request(method, f"{port.url}{path.format(key=1)}?{query}"):
            pass
        async with port.http.request(method, port.url + path.format(key=1)) as answer:
            assert answer.status in (200, 405), path
    for place in PLACES.values():
        async with port.http.request(method, f"{port.url}{place.path.format(key=1)}?{query}", json={"by": "x"}):
            pass
    assert await everything(port.journal) == before
    assert await port.journal.operator_hold() is not None


@pytest.mark.parametrize(
    ("fields", "foreign"),
    [
        ({}, False),
        ({"Origin": "https://evil.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "http://127.0.0.1:9999"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, False),
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_page_of_another_origin_is_refused_with_and_without_a_token(
    make_port: object, fields: dict[str, str], foreign: bool, token: str | None
) -> None:
    port: AdminPort = await make_port(token)  # type: ignore[operator]
    known = {"Authorization": f"Bearer {TOKEN}"}
    assert (await port.get("/api/status", **fields, **known))[0] == (403 if foreign else 200)
    async with port.http.post(f"{port.url}/api/hold", json={"by": "x"}, headers=fields | known) as answer:
        posted = answer.status
    navigated = fields.get("Sec-Fetch-Mode") == "navigate" and fields.get("Sec-Fetch-Site") == "cross-site"
    assert posted == (403 if foreign or navigated else 200)
    assert (await port.journal.operator_hold() is None) is (foreign or navigated)


async def test_its_own_page_may_ask(port: AdminPort) -> None:
    assert (await port.get("/api/status", Origin=port.url))[0] == 200


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1:8481", True),
        ("localhost", True),
        ("[::1]:8481", True),
        ("127.8.9.1", True),
        ("evil.example", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_own_hosts(host: str, own: bool) -> None:
    assert is_own_host(host, "127.0.0.1") is own


async def test_a_person_is_not_named_in_a_url(port: AdminPort) -> None:
    status, text = await port.get("/api/records?lane=48448366834980")
    assert status == 400
    assert "/api/records/search" in text
    assert "48448366834980" not in text


async def test_errors_are_problems(port: AdminPort) -> None:
    for path, expected in (("/api/records?state=lost", 400), ("/api/records/99", 404), ("/api/records/not-an-id", 404)):
        async with port.http.get(port.url + path) as answer:
            assert (answer.status, answer.content_type) == (expected, "application/problem+json")
    async with port.http.post(f"{port.url}/api/release", data=b"[]", headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
    await port.journal.close()
    assert (await port.get("/api/status"))[0] == 503


async def test_answers_are_not_kept_and_name_the_journal(port: AdminPort) -> None:
    async with port.http.get(f"{port.url}/api/status") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Dosekeeper-Journal"] == "this-journal"
        assert "Server" not in answer.headers


async def test_pages_of_records(port: AdminPort) -> None:
    for at in range(1, 6):
        await port.journal.record(a_record(at), send=False)
    async with port.http.get(f"{port.url}/api/records?state=pending&state=held&limit=3") as answer:
        assert [record["number"] for record in await answer.json()] == [1, 2, 3]
