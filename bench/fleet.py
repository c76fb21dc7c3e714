"""
The rules for 10,000 centres: how long Prometheus takes for each group of `deploy/prometheus/rules`.

`python -m bench.fleet [--centres N]` from the root, with Debian's prometheus: a table. What the rules look back at (an hour to 30 days)
is put into the database by promtool, as if it had been scraped every 30 s; the present is scraped from one page that has all centres. The
time is Prometheus' own, `prometheus_rule_group_last_duration_seconds`, of five evaluations. Beside it the processor time of the same
queries, asked one by one, each the least of five: what else the machine does falls on the first figure, hardly on the second.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Final

from ruamel.yaml import YAML

from bench.stage import free_port

RULES: Final = Path(__file__).parents[1] / "deploy" / "prometheus" / "rules"
STEP_S: Final = 30
HOUR_S: Final = 3600
DAY_S: Final = 86_400
LASTS_S: Final = 600
EVERY_S: Final = 30
EVALUATIONS: Final = 5
PER_DISTRICT: Final = 13
"""India has 750 districts for its 10,000 busiest places."""

GROUPS: Final = ("vaccinator", "registration", "appointment", "auth", "other")
STATES: Final = {"pending": 9, "sending": 0, "unknown": 1, "held": 0, "delivered": 800, "refused": 5, "discarded": 0}
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

CONFIG: Final = """
global: {{scrape_interval: {step}s, scrape_timeout: {step}s, evaluation_interval: {every}s}}
rule_files: [{rules}/*.yml]
scrape_configs:
  - {{job_name: all, honor_labels: true, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}
"""


def series(number: int, now: float) -> Iterator[tuple[str, float]]:
    """Yield every series of one centre that a rule reads, with its value now: one centre in ten is down, one in 500 silent."""
    district = number // PER_DISTRICT
    labels = f'centre="c{number}",block="b{number % 7}",district="d{district}",instance="127.0.0.1:8481",job="dosekeeper"'
    silent = number % 500 == 0
    yield f"up{{{labels}}}", float(not silent)
    if silent:
        return
    down = number % 10 == 0
    for group in GROUPS:
        yield f'dosekeeper_upstream_up{{{labels},group="{group}"}}', float(not down)
        yield f'dosekeeper_outage_seconds_total{{{labels},group="{group}"}}', 9000.0
    for state, count in STATES.items():
        yield f'dosekeeper_records{{{labels},state="{state}"}}', float(count)
    for day, name in enumerate(DAYS):
        yield f'dosekeeper_centre_hours_start_timestamp_seconds{{{labels},span="{name} 09:00-17:00"}}', now - day * DAY_S
        yield f'dosekeeper_centre_hours_seconds{{{labels},span="{name} 09:00-17:00"}}', 28_800.0
    for name, value in {
        "build_info": 1.0,
        "operator_hold": 0.0,
        "credential_ok": 1.0,
        "clock_offset_seconds": 2.0,
        "records_oldest_unsent_timestamp_seconds": now - 60,
        "records_next_deadline_timestamp_seconds": now + DAY_S,
        "records_past_deadline": 0.0,
        "delivery_delay_seconds_count": 800.0,
        "sweep_missing_total": 0.0,
        "journal_free_bytes": 50e9,
    }.items():
        yield f"dosekeeper_{name}{{{labels}}}", value


LOOKED_BACK_S: Final = {
    "dosekeeper_journal_free_bytes": 6 * 3600,
    "dosekeeper_sweep_missing_total": 3600,
    "dosekeeper_delivery_delay_seconds_count": 3600,
    "dosekeeper_outage_seconds_total": 30 * DAY_S,
}
"""How long ago the rules look at a raw series: at a moment then, or, up to an hour, from then on."""

REMEMBERED: Final = {
    "dosekeeper_build_info": "centre:dosekeeper_heard:timestamp_seconds",
    "dosekeeper_operator_hold": "centre:dosekeeper_unsent:last",
    "dosekeeper_credential_ok": "centre:dosekeeper_closes:last",
    "dosekeeper_clock_offset_seconds": "centre:dosekeeper_opens:last",
}
"""What the rules remember over an hour, by a series that has its labels."""


def history(centres: int, now: float, ago_s: int) -> Iterator[str]:
    """Yield the lines (OpenMetrics) of what the rules look at so long ago, for as long as the measurement lasts."""
    lasts_s = LASTS_S if ago_s > HOUR_S else ago_s
    times = [now - ago_s + step * STEP_S for step in range(-LASTS_S // STEP_S, lasts_s // STEP_S)]
    for number in range(centres):
        for name, value in series(number, now):
            bare, _, labels = name.partition("{")
            if LOOKED_BACK_S.get(bare) == ago_s:
                yield from (f"{name} {value * 1.01} {at:.3f}\n" for at in times)
            if ago_s == HOUR_S and bare in REMEMBERED:
                kept = re.sub(r',(?:instance|job)="[^"]*"', "", labels)
                yield from (f"{REMEMBERED[bare]}{{{kept} {at} {at:.3f}\n" for at in times)


def main() -> None:
    """Fill a database, run Prometheus on it, and print what its rules take."""
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--centres", type=int, default=10_000)
    centres = parser.parse_args().centres
    if shutil.which("prometheus") is None:
        raise SystemExit("There is no prometheus here. Next: sudo apt install prometheus")
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as name:
        folder = Path(name)
        now = time.time()
        for ago_s in sorted(set(LOOKED_BACK_S.values())):
            file = folder / "lines"
            with file.open("w") as out:
                out.writelines(chain(history(centres, now, ago_s), ["# EOF\n"]))
            promtool = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(file), str(folder / "data")]
            subprocess.run(promtool, check=True)  # noqa: S603 - Debian's
            file.unlink()
        print(f"filled in {time.time() - now:.0f} s", flush=True)
        measured = _measured(folder, centres)
    print(f"\n| group | median | longest | processor time |\n|---|---|---|---|\n{table(*measured)}")


def table(measured: Mapping[str, Sequence[float]], cpu: Mapping[str, float]) -> str:
    """Return a row a group, those of recorded series first."""
    return "\n".join(f"| {group} | {median(measured[group]):.2f} s | {max(measured[group]):.2f} s | {cpu[group]:.2f} s |" for group in cpu)


def _measured(folder: Path, centres: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    page = _page(centres)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(page))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    config = CONFIG.format(step=STEP_S, every=EVERY_S, rules=RULES, port=server.server_address[1])
    (folder / "prometheus.yml").write_text(config)
    where = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *where, "--storage.tsdb.retention.time=40d"], stderr=log)  # noqa: S603, S607
    try:
        metrics = f"http://127.0.0.1:{port}/metrics"
        _until_scraped(metrics, process)
        measured: dict[str, list[float]] = {}
        for _ in range(EVALUATIONS):
            time.sleep(EVERY_S)  # the time between two evaluations is Prometheus' own: there is nothing to wait on
            for group, took_s in _durations(metrics).items():
                measured.setdefault(group, []).append(took_s)
        return measured, _cpu_s(f"http://127.0.0.1:{port}/api/v1/query", process.pid)
    finally:
        process.kill()
        process.wait()
        server.shutdown()


def _cpu_s(url: str, pid: int) -> dict[str, float]:
    """Return the processor time of each group's queries."""

    def once(query: str) -> float:
        before = _has_had_s(pid)
        _told(f"{url}?{urllib.parse.urlencode({'query': f'count({query})'})}")
        return _has_had_s(pid) - before

    groups = [group for name in ("recording.yml", "alerts.yml") for group in YAML(typ="safe").load((RULES / name).read_text())["groups"]]
    return {group["name"]: sum(min(once(rule["expr"]) for _ in range(5)) for rule in group["rules"]) for group in groups}


def _has_had_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _page(centres: int) -> bytes:
    now = time.time()
    page = "".join(f"{name} {value}\n" for number in range(centres) for name, value in series(number, now)).encode()
    print(f"{page.count(bytes([10])):,} series, of {centres:,} centres", flush=True)
    return page


def _handler(page: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _until_scraped(metrics: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a whole page was scraped and each group was evaluated on it."""
    deadline_s = time.monotonic() + 300
    while time.monotonic() < deadline_s and process.poll() is None:
        time.sleep(1)  # another process's state: it is asked for
        try:
            told = _told(metrics)
        except OSError:
            continue
        if re.search(r"^prometheus_target_interval_length_seconds_count\{[^}]*\} [1-9]", told, re.MULTILINE):
            time.sleep(EVERY_S + 1)  # until each group was evaluated on that page
            return
    raise SystemExit("Prometheus has not scraped within 300 s.")


def _durations(metrics: str) -> dict[str, float]:
    found = re.findall(r'^prometheus_rule_group_last_duration_seconds\{rule_group=".*;(.+)"\} (\S+)', _told(metrics), re.MULTILINE)
    return {group: float(took_s) for group, took_s in found}


def _told(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - http, our own
        return str(answer.read(), "utf-8")


if __name__ == "__main__":
    main()
