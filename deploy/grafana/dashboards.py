"""Writes the dashboards beside itself: `python deploy/grafana/dashboards.py`. The JSON is checked in, and is this file's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
WIDTH: Final = 24
"""Columns of Grafana's grid."""

SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
UNSENT: Final = 'dosekeeper_records{centre="$centre", state=~"pending|sending|unknown"}'


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: its title, what it shows (a query, or several by their legend), in which unit, drawn how, how wide, and what is bad."""

    title: str
    queries: str | dict[str, str]
    unit: str = "short"
    kind: str = "stat"
    width: int = 4
    bad_from: float | None = None
    bad_below: float | None = None
    help: str = ""

    @property
    def height(self) -> int:
        """Rows of the grid."""
        return 4 if self.kind == "stat" else 8

    @property
    def by_legend(self) -> dict[str, str]:
        """The queries, each with its legend; a stat needs none."""
        return {"": self.queries} if isinstance(self.queries, str) else self.queries


CENTRE: Final = (
    Panel("National server", 'min(dosekeeper_upstream_up{centre="$centre"})', bad_below=1, help="1 up, 0 down"),
    Panel("This outage lasts", 'max(dosekeeper_outage_current_seconds{centre="$centre"})', "s", bad_from=1),
    Panel("Still to be sent", f"sum({UNSENT})", bad_from=1),
    Panel("Oldest of them", 'time() - max(dosekeeper_records_oldest_unsent_timestamp_seconds{centre="$centre"})', "s", bad_from=7200),
    Panel("Next deadline in", 'min(dosekeeper_records_next_deadline_timestamp_seconds{centre="$centre"}) - time()', "s", bad_below=14400),
    Panel("Past deadline", 'sum(dosekeeper_records_past_deadline{centre="$centre"})', bad_from=1),
    Panel("Wait for a person", 'sum(dosekeeper_records{centre="$centre", state="held"})', bad_from=1, help="records list --state held"),
    Panel("Credential taken", 'min(dosekeeper_credential_ok{centre="$centre"})', bad_below=1),
    Panel("Operator's hold", 'max(dosekeeper_operator_hold{centre="$centre"})', bad_from=1),
    Panel("Clock ahead by", 'max(dosekeeper_clock_offset_seconds{centre="$centre"})', "s", bad_from=60),
    Panel("Disk free", 'min(dosekeeper_journal_free_bytes{centre="$centre"})', "bytes", bad_below=2**28),
    Panel("In outage, of 30 days", 'max(centre:dosekeeper_outage:ratio_30d{centre="$centre"})', "percentunit", bad_from=0.01),
    Panel(
        "Up, by group of routes", {"{{group}}": 'dosekeeper_upstream_up{centre="$centre"}'}, kind="state-timeline", width=24, bad_below=1
    ),
    Panel("Records, by state", {"{{state}}": 'dosekeeper_records{centre="$centre"} > 0'}, kind="timeseries", width=12),
    Panel(
        "Recorded and delivered, a minute",
        {
            "recorded, {{route}}": '60 * sum by (route) (rate(dosekeeper_records_recorded_total{centre="$centre"}[$__rate_interval]))',
            "delivered": '60 * sum(rate(dosekeeper_delivery_delay_seconds_count{centre="$centre"}[$__rate_interval]))',
        },
        kind="timeseries",
        width=12,
    ),
    Panel(
        "Sends, by outcome, a minute",
        {"{{outcome}}": '60 * sum by (outcome) (rate(dosekeeper_sends_total{centre="$centre"}[$__rate_interval])) > 0'},
        kind="timeseries",
        width=12,
    ),
    Panel(
        "What 99 of 100 wait for",
        {
            "a desk, {{route}}": "histogram_quantile(0.99, sum by (route, le) "
            '(rate(dosekeeper_http_request_duration_seconds_bucket{centre="$centre"}[$__rate_interval])))',
            "the server": "histogram_quantile(0.99, sum by (le) "
            '(rate(dosekeeper_upstream_request_duration_seconds_bucket{centre="$centre"}[$__rate_interval])))',
            "the disk": "histogram_quantile(0.99, sum by (le) "
            '(rate(dosekeeper_journal_commit_duration_seconds_bucket{centre="$centre"}[$__rate_interval])))',
        },
        "s",
        "timeseries",
        12,
    ),
)

DISTRICT: Final = (
    Panel("Centres heard", 'sum(district:dosekeeper_centres:count{district=~"$district"})'),
    Panel("See the server down", 'max(district:dosekeeper_upstream_down:ratio{district=~"$district"})', "percentunit", bad_from=0.5),
    Panel("Silent centres", 'sum(district:dosekeeper_silent:sum{district=~"$district"})', bad_from=1),
    Panel("Still to be sent", 'sum(district:dosekeeper_unsent:sum{district=~"$district"})', bad_from=1),
    Panel("Wait for a person", 'sum(district:dosekeeper_held:sum{district=~"$district"})', bad_from=1),
    Panel("Past deadline", 'sum(district:dosekeeper_past_deadline:sum{district=~"$district"})', bad_from=1),
    Panel(
        "Centres that see the server down, by district",
        {"{{district}}": 'district:dosekeeper_upstream_down:ratio{district=~"$district"}'},
        "percentunit",
        "timeseries",
        12,
        help="Half and more: the national server. Less: the lines of those that are down.",
    ),
    Panel(
        "Recorded, a minute",
        {"{{district}}": '60 * sum by (district) (rate(dosekeeper_records_recorded_total{district=~"$district"}[$__rate_interval]))'},
        kind="timeseries",
        width=12,
    ),
    Panel(
        "Down, by centre",
        {"{{block}} {{centre}}": 'centre:dosekeeper_upstream_down:bool{district=~"$district"} == 1'},
        kind="timeseries",
        width=12,
    ),
    Panel(
        "Most to be sent",
        {"{{block}} {{centre}}": 'topk(10, centre:dosekeeper_unsent:last{district=~"$district"} > 0)'},
        kind="timeseries",
        width=12,
    ),
    Panel(
        "Longest in outage, of 30 days",
        {"{{block}} {{centre}}": 'topk(10, centre:dosekeeper_outage:ratio_30d{district=~"$district"})'},
        "percentunit",
        "timeseries",
        12,
    ),
    Panel(
        "Alerts",
        {"{{alertname}}": 'count by (alertname) (ALERTS{alertname=~"Dosekeeper.+", alertstate="firing", district=~"$district"})'},
        kind="timeseries",
        width=12,
    ),
)


def dashboards() -> dict[str, dict[str, Any]]:
    """Return the dashboards by the name of their file."""
    return {
        "centre.json": _dashboard("dosekeeper: a centre", "dosekeeper-centre", "centre", CENTRE, all_=False),
        "district.json": _dashboard("dosekeeper: a district", "dosekeeper-district", "district", DISTRICT, all_=True),
    }


def _dashboard(title: str, uid: str, label: str, panels: Sequence[Panel], *, all_: bool) -> dict[str, Any]:
    choice = {"type": "query", "name": label, "datasource": SOURCE, "query": f"label_values(dosekeeper_build_info, {label})", "refresh": 2}
    return {
        "title": title,
        "uid": uid,
        "tags": ["dosekeeper"],
        "schemaVersion": 38,
        "refresh": "30s",
        "time": {"from": "now-12h", "to": "now"},
        "templating": {
            "list": [
                {"type": "datasource", "name": "source", "query": "prometheus"},
                choice | ({"includeAll": True, "multi": True} if all_ else {}),
            ]
        },
        "panels": [_panel(number, panel, *place) for number, (panel, place) in enumerate(zip(panels, _places(panels), strict=True), 1)],
    }


def _places(panels: Sequence[Panel]) -> list[tuple[int, int]]:
    """Return column and row of each panel: side by side while there is room; what lies side by side is of one height."""
    ends = list(accumulate(panel.width for panel in panels))
    places, row = [], 0
    for panel, end in zip(panels, ends, strict=True):
        places.append(((end - panel.width) % WIDTH, row))
        row += panel.height if end % WIDTH == 0 else 0
    return places


def _panel(number: int, panel: Panel, column: int, row: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": "red", "value": panel.bad_from})
    if panel.bad_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.bad_below}]
    return {
        "id": number,
        "title": panel.title,
        "description": panel.help,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": {"x": column, "y": row, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(panel.by_legend.items())
        ],
    }


def main() -> None:
    """Write the files."""
    for name, dashboard in dashboards().items():
        (HERE / name).write_text(written(dashboard), "utf-8")


def written(dashboard: dict[str, Any]) -> str:
    """Return *dashboard* as its file has it."""
    return json.dumps(dashboard, indent=1) + "\n"


if __name__ == "__main__":
    main()
