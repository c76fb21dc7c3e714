"""Debian's Prometheus and Alertmanager, with the files of deploy/, on sidecars that run, fail, are killed and come back."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.dashboards import dashboards
from simulator import Simulator
from tests.cli.centre import Centre, Service, a_centre
from tests.monitoring.tools import DEPLOY, Alertmanager, Prometheus, alertmanager, needs, prometheus
from tests.ports import free_ports
from tests.traffic.centre import VACCINATE, a_dose, people
from tests.traffic.certificates import Authority

QUICK = (
    (r"(scrape_interval|evaluation_interval|\n +interval): \w+", r"\1: 500ms"),  # also the time that a sidecar has to answer
    (r"offset 30d", "offset 2s"),
    (r"(\n +for): \w+", r"\1: 0s"),
)
"""How the files are shortened: a look twice a second, no alert waits, and the month is two seconds."""

DISTRICT = "Udham Singh Nagar"
TOKEN = "correct horse"


@dataclass
class District:
    """Centres `a` and `b` on one server, `c` on a server, so on a line, of its own; an agent sends of `c` too, as of `nat`."""

    centres: dict[str, Centre]
    metrics: dict[str, dict[str, Any]]
    services: dict[str, Service]
    stack: AsyncExitStack
    prometheus: Prometheus
    alertmanager: Alertmanager
    server: Simulator
    line: Simulator

    async def start(self, name: str) -> None:
        self.services[name] = await self.stack.enter_async_context(self.centres[name].serving(**self.metrics[name]))

    async def record(self, name: str, person: int, **other: object) -> None:
        dose = a_dose(people(self.server)[person]) | other
        async with self.centres[name].desk.post(f"http://127.0.0.1:{self.centres[name].data}/api{VACCINATE}", json=dose) as answer:
            assert answer.status < 300, await answer.text()


def shortened(folder: Path, *others: tuple[str, str]) -> Path:
    """A copy of deploy/prometheus for a test that cannot wait; *others* are addresses to put in the place of the shipped ones."""
    shutil.copytree(DEPLOY / "prometheus", folder)
    (folder / "dosekeeper.token").write_text(TOKEN)
    (folder / "remote-write.password").write_text("not asked for here")
    for file in folder.rglob("*.yml"):
        told = file.read_text()
        for pattern, new in (*QUICK, *others):
            told = re.sub(pattern, new, told)
        file.write_text(told)
    return folder


def a_metrics_port(port: int, authority: Authority, folder: Path) -> dict[str, Any]:
    certificate, key = authority.pair(f"metrics-{port}")
    wanted = {"port": port, "token_file": folder / "dosekeeper.token", "tls_cert": certificate, "tls_key": key}
    return {f"DOSEKEEPER_METRICS__{name.upper()}": str(value) for name, value in wanted.items()}


@asynccontextmanager
async def a_district(folder: Path) -> AsyncIterator[District]:
    async with AsyncExitStack() as stack:
        server, line = [await stack.enter_async_context(Simulator(seed=seed, people=30)) for seed in (7, 7)]
        centres: dict[str, Centre] = {}
        for name in "abc":
            (folder / name).mkdir()
            url = f"{(line if name == 'c' else server).url}/api"
            centres[name] = await stack.enter_async_context(a_centre(folder / name, url))
        main, sender, manager, *ports = free_ports(6)
        files = shortened(
            folder / "files",
            (r"127\.0\.0\.1:9093", f"127.0.0.1:{manager}"),
            (r"https://prometheus\.district\.example/", f"http://127.0.0.1:{main}/"),
            (r"127\.0\.0\.1:8481", f"127.0.0.1:{centres['c'].admin}"),
            (r"centre: centre-1, block: Rudrapur, district: Udham Singh Nagar", "centre: nat, block: Far, district: Nainital"),
            (r"max_shards: 2", "max_shards: 2, batch_send_deadline: 250ms"),
        )
        (files / "targets" / "example.yml").write_text(
            "".join(
                f'- targets: ["127.0.0.1:{port}"]\n  labels: {{centre: {name}, block: Block {name}, district: {DISTRICT}}}\n'
                for name, port in zip(centres, ports, strict=True)
            )
        )
        authority = Authority(files)
        shutil.copy(authority.ca, files / "dosekeeper-ca.pem")
        metrics = {name: a_metrics_port(port, authority, files) for name, port in zip(centres, ports, strict=True)}
        metrics["a"]["DOSEKEEPER_CENTRE__HOURS"] = f"{datetime.now(UTC) + timedelta(days=3):%a} 09:00-17:00"
        made = District(centres, metrics, {}, stack, None, None, server, line)  # type: ignore[arg-type]
        for name in ("main", "sender", "manager"):
            (folder / name).mkdir()

        async def watched() -> None:
            made.alertmanager = await stack.enter_async_context(alertmanager(folder / "manager", manager))
            flags = ("--web.enable-remote-write-receiver", "--rules.alert.resend-delay=1s")  # it learns of Alertmanager after 5 s
            made.prometheus = await stack.enter_async_context(prometheus(folder / "main", files / "prometheus-fleet.yml", main, *flags))
            agent = prometheus(folder / "sender", files / "agent.yml", sender, "--enable-feature=agent")
            await stack.enter_async_context(agent)

        await asyncio.gather(watched(), *map(made.start, "abc"))
        yield made


@needs("prometheus", "prometheus-alertmanager")
@pytest.mark.timeout(300)
async def test_a_district_that_fails_and_recovers(tmp_path: Path) -> None:
    async with a_district(tmp_path) as district:
        began = time.time()
        seen, called = district.prometheus, district.alertmanager
        await seen.until_true(f'district:dosekeeper_centres:count{{district="{DISTRICT}"}} == 3')
        await called.until_called("watchdog: Watchdog firing")
        for name, person in (("a", 0), ("b", 1)):
            await district.record(name, person)
        await seen.until_true(
            'dosekeeper_records{centre="a", state="delivered"} == 1', 'dosekeeper_records{centre="b", state="delivered"} == 1'
        )
        await seen.until_firing(
            "Watchdog", silent=("UpstreamDown a", "Silent a", "HeldRecordsWait b", "OperatorHold b", "CredentialRefused a")
        )

        await _the_server_fails(district)
        await _a_sidecar_is_killed_meanwhile(district)
        await _the_server_is_back(district)
        await _a_hold_explains_its_centre(district)
        await _one_line_fails_and_a_credential(district)
        await _what_was_sent_from_behind_nat(seen)
        await _every_rule_is_sound(seen)
        await _every_panel_has_data(seen, began)
        await _a_computer_is_switched_off(district)


async def _the_server_fails(district: District) -> None:
    await district.server.faults.add("refuse")
    for name in "ab":
        await district.services[name].logged("outage_began", group="vaccinator")
    await district.record("a", 2)
    await district.record("b", 3, center_id=999_999)
    await district.prometheus.until_firing(
        f"NationalOutage {DISTRICT}", "UpstreamDown a", "UpstreamDown b", silent=("CentreLineDown a", "UpstreamDown c")
    )
    await district.alertmanager.until_standing(active=(f"NationalOutage {DISTRICT}",), suppressed=("UpstreamDown a", "UpstreamDown b"))
    await district.alertmanager.until_called(f"on-call: NationalOutage {DISTRICT} firing")


async def _a_sidecar_is_killed_meanwhile(district: District) -> None:
    await district.prometheus.until_true('dosekeeper_records{centre="a", state="pending"} == 1')
    killed = district.services["a"].process
    killed.kill()
    await killed.wait()
    await district.prometheus.until_firing("SilentWithUnsent a")
    await district.alertmanager.until_standing(active=("SilentWithUnsent a",))
    await district.prometheus.until_true('sum_over_time(centre:dosekeeper_silent:bool{centre="a"}[5m]) >= 4')
    assert "Silent a" not in await district.prometheus.firing(), "its hours, remembered: it may be off, but for what is left on its disk"
    await district.start("a")
    await district.prometheus.until_firing("UpstreamDown a", silent=("SilentWithUnsent a", "Silent a"))


async def _the_server_is_back(district: District) -> None:
    seen = district.prometheus
    await district.server.faults.clear()
    await seen.until_true(
        'dosekeeper_records{centre="a", state="delivered"} == 2',
        'dosekeeper_records{centre="b", state="held"} == 1',
        'sum by (centre) (dosekeeper_upstream_up{centre="a"} == bool 0) == 0',
    )
    await seen.until_firing("HeldRecordsWait b", silent=(f"NationalOutage {DISTRICT}", "UpstreamDown a", "UpstreamDown b"))
    await district.alertmanager.until_called(
        "working-hours: HeldRecordsWait b firing", f"on-call: NationalOutage {DISTRICT} resolved", "on-call: SilentWithUnsent a resolved"
    )
    for counter in ("outages_total", "outage_seconds_total", "records_recorded_total", "sends_total", "delivery_delay_seconds_count"):
        falls = await seen.ask(f'resets(dosekeeper_{counter}{{centre="a"}}[10m])')
        assert {count for _, count in falls} == {0.0}, f"over kill -9: {counter}"
    of_a = 'centre="a", group="vaccinator"'
    await seen.until_true(
        f"dosekeeper_outages_total{{{of_a}}} == 1",
        f"abs(dosekeeper_outage_seconds_total{{{of_a}}} - (dosekeeper_outage_last_end_timestamp_seconds{{{of_a}}}"
        f" - dosekeeper_outage_last_start_timestamp_seconds{{{of_a}}})) < 0.01",
        'dosekeeper_records_recorded_total{centre="a", route="vaccinate"} == 2',
        'dosekeeper_delivery_delay_seconds_count{centre="a"} == 2',
    )


async def _a_hold_explains_its_centre(district: District) -> None:
    held = await district.centres["b"].run("hold", "--reason", "maintenance", "--by", "asha")
    assert held.code == 0, held.err
    await district.prometheus.until_firing("OperatorHold b")
    await district.alertmanager.until_standing(active=("OperatorHold b",), suppressed=("HeldRecordsWait b",))
    assert not [call for call in district.alertmanager.called if "OperatorHold" in call], "it calls nobody"
    released = await district.centres["b"].run("release", "--by", "asha")
    assert released.code == 0, released.err
    await district.prometheus.until_true('dosekeeper_operator_hold{centre="b"} == 0')


async def _one_line_fails_and_a_credential(district: District) -> None:
    await district.line.faults.add("refuse")
    await district.server.faults.add("auth_401")
    await district.record("a", 4)
    await district.prometheus.until_firing("CentreLineDown c", "UpstreamDown c", "CredentialRefused a")
    await district.alertmanager.until_standing(active=("CentreLineDown c", "CredentialRefused a"), suppressed=("UpstreamDown c",))
    assert f"NationalOutage {DISTRICT}" not in await district.prometheus.firing()


async def _what_was_sent_from_behind_nat(seen: Prometheus) -> None:
    await seen.until_true('dosekeeper_upstream_up{centre="nat", block="Far", district="Nainital", group="vaccinator"} == 0')
    assert {labels["centre"] for labels, _ in await seen.ask("last_over_time(scrape_samples_scraped[5m])")} == {"a", "b", "c"}, (
        "the rest stays there"
    )


async def _a_computer_is_switched_off(district: District) -> None:
    await district.services["b"].stop()
    await district.prometheus.until_firing("Silent b")
    await district.alertmanager.until_called("working-hours: Silent b firing")


async def _every_rule_is_sound(seen: Prometheus) -> None:
    groups = (await seen.api("rules"))["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}, groups


async def _every_panel_has_data(seen: Prometheus, began: float) -> None:
    """Each dashboard's query, over the time of the test, as Grafana asks it; and the values that it offers to choose from."""
    chosen = {"centre.json": ("$centre", "a"), "district.json": ("$district", DISTRICT)}
    for name, dashboard in dashboards().items():
        (choice,) = (each for each in dashboard["templating"]["list"] if each["type"] == "query")
        offered = re.fullmatch(r"label_values\((\w+), (\w+)\)", choice["query"])
        assert offered is not None
        assert chosen[name][1] in await seen.api(f"label/{offered[2]}/values", **{"match[]": offered[1]})
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", "5s").replace(*chosen[name])
                found = await seen.api("query_range", query=query, start=f"{began}", end=f"{time.time()}", step="0.5")
                values = [value for series in found["result"] for _, value in series["values"]]
                assert [value for value in values if value != "NaN"], f"{panel['title']}: {query}"
                wanted = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
                assert all(wanted <= series["metric"].keys() for series in found["result"]), panel["title"]
