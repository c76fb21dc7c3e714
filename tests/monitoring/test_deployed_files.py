"""What deploy/ and the runbook say of alerts, held against promtool, amtool, the command line and each other. Real processes: beside it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from deploy.grafana.dashboards import CENTRE, DISTRICT, WIDTH, dashboards, written
from proxy.cli import dosekeeper
from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy
from tests.architecture.source import ROOT, text
from tests.monitoring.tools import DEPLOY, needs

ALERTS: list[dict[str, Any]] = [
    rule for group in YAML(typ="safe").load(text("deploy/prometheus/rules/alerts.yml"))["groups"] for rule in group["rules"]
]
RUNBOOK = text("docs/runbook.md")
SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!^#).*\n?)*)", RUNBOOK, re.MULTILINE))
names = pytest.mark.parametrize("alert", ALERTS, ids=[rule["alert"] for rule in ALERTS])


def anchor(title: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def commands(of: str) -> list[str]:
    return [re.sub(r"\s+", " ", span) for span in re.findall(r"`(dosekeeper [^`]+)`", of)]


def assert_exists(command: str) -> None:
    """Whether its verbs and options are the command line's; what they are given is not looked at."""
    words = shlex.split(command)[1:]
    found: click.Command = dosekeeper
    while isinstance(found, click.Group) and words:
        deeper = found.get_command(click.Context(found), words[0])
        assert deeper is not None, f"`{command}`: there is no {words[0]}"
        found, words = deeper, words[1:]
    known = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, command


@names
def test_an_alert_says_what_is_so_what_to_do_and_where_more_stands(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning", "info", "none")
    told = alert["annotations"]
    assert told.keys() == {"summary", "action", "runbook_url"}
    page, _, where = told["runbook_url"].partition("#")
    assert page == "docs/runbook.md"
    assert where == anchor(alert["alert"])
    assert alert["alert"] in SECTIONS, "its section in the runbook"


def test_every_command_of_the_runbook_and_the_alerts_exists() -> None:
    told = commands(RUNBOOK) + [command for alert in ALERTS for command in commands(alert["annotations"]["action"])]
    assert len(told) > 50
    for command in told:
        assert_exists(command)


def test_every_link_within_the_runbook_leads_somewhere() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", RUNBOOK)
    assert len(links) > 5
    assert set(links) <= {anchor(title) for title in SECTIONS}


@names
def test_an_alert_is_seen_to_fire_and_not_to(alert: dict[str, Any]) -> None:
    """Each question of the promtool tests lists all that fires; there are such without this one."""
    told = [
        str(question.get("exp_samples", ""))
        for file in ("tests.yml", "tests-days.yml")
        for test in YAML(typ="safe").load(text(f"deploy/prometheus/{file}"))["tests"]
        for question in test.get("promql_expr_test", ())
    ]
    name = f'"{alert["alert"]}"'
    assert name in "".join(told)
    assert any(name not in each for each in told)


def test_the_rules_know_the_groups_on_which_records_go_up() -> None:
    shipped = [load_profile(name, ROOT) for name in ("cowin-vaccinator", "fhir-r4")]
    groups = {route.group for profile in shipped for route in profile.routes if route.policy is Policy.RECORD}
    (known,) = re.findall(r'group=~"(.+?)"', text("deploy/prometheus/rules/recording.yml"))
    assert set(known.split("|")) == groups


@needs("promtool")
@pytest.mark.parametrize(
    "what", [("check", "rules", "rules/alerts.yml", "rules/recording.yml"), ("test", "rules", "tests.yml", "tests-days.yml")]
)
def test_promtool_finds_nothing(what: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *what], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs("promtool")
@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-fleet.yml", "agent.yml", "demo.yml"])
def test_promtool_takes_the_configuration(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "prometheus"
    shutil.copytree(DEPLOY / "prometheus", folder)
    for file in ("dosekeeper.token", "dosekeeper-ca.pem", "remote-write.password"):
        (folder / file).touch()
    agent = ["--agent"] if name == "agent.yml" else []
    done = subprocess.run(["promtool", "check", "config", *agent, str(folder / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs("amtool")
def test_amtool_takes_the_routes_and_everybody_gets_what_is_his() -> None:
    file = str(DEPLOY / "alertmanager" / "alertmanager.yml")
    assert subprocess.run(["amtool", "check-config", file], capture_output=True, check=False).returncode == 0
    for alert in ALERTS:
        labels = [f"alertname={alert['alert']}", f"severity={alert['labels']['severity']}"]
        said = subprocess.run(
            ["amtool", "config", "routes", "test", f"--config.file={file}", *labels], capture_output=True, text=True, check=True
        )
        wanted = {"critical": "on-call", "warning": "working-hours", "info": "nobody", "none": "watchdog"}[alert["labels"]["severity"]]
        assert said.stdout.strip() == wanted, alert["alert"]


def test_the_dashboards_are_their_generators() -> None:
    made = dashboards()
    assert {path.name for path in (DEPLOY / "grafana").glob("*.json")} == made.keys()
    for name, dashboard in made.items():
        assert (DEPLOY / "grafana" / name).read_text("utf-8") == written(dashboard), "run: python deploy/grafana/dashboards.py"
        places = [panel["gridPos"] for panel in json.loads(written(dashboard))["panels"]]
        assert len({(place["x"], place["y"]) for place in places}) == len(places)
        assert all(place["x"] + place["w"] <= WIDTH for place in places)
    assert all(sum(panel.width for panel in panels) % WIDTH == 0 for panels in (CENTRE, DISTRICT))
