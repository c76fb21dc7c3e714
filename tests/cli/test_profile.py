"""`dosekeeper profile`: for whoever writes the profile of a server of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import dosekeeper

OWN = """\
profile: own
title: Our own server
sources: invented
answers: {accepted: "status == `200`", own_error: body.error}
groups: {main: {}}
routes:
  - name: dose
    method: POST
    path: /doses/{person}
    policy: record
    group: main
    lane: path.person
    natural_key: "[path.person, text(body.dose)]"
    content: [batch]
    slots: [path.person]
    refuse_if: [{when: "body.dose == `9`", text: Nobody has nine.}]
  - {name: list, method: GET, path: /doses, policy: read, group: main}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(dosekeeper, ["profile", *words])


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    return str(path)


def tried(tmp_path: Path, profile: str, request: str, answer: str | None = None, *more: str) -> dict[str, Any]:
    (tmp_path / "request.http").write_text(request)
    (tmp_path / "answer.http").write_text(answer or "")
    given = () if answer is None else ("--answer", str(tmp_path / "answer.http"))
    result = run("try", profile, str(tmp_path / "request.http"), *given, *more, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_new_drafts_a_file_that_checks_and_says_how_much_is_undecided(tmp_path: Path) -> None:
    description = {"openapi": "3.0.0", "info": {"title": "T"}, "paths": {"/a": {"get": {}}}}
    (tmp_path / "server.json").write_text(json.dumps(description))
    output = str(tmp_path / "t.yaml")
    assert run("new", "--from-openapi", str(tmp_path / "server.json"), "--output", output).exit_code == 0
    assert run("new", "--from-openapi", str(tmp_path / "server.json"), "--output", output).exit_code == 2, "nothing is overwritten"
    checked = run("check", output)
    assert checked.exit_code == 0
    assert "t is well formed: 1 routes, recorded: none." in checked.output
    assert "times it still says DECIDE" in checked.output
    assert run("new", "--from-openapi", str(tmp_path / "server.json")).output == Path(output).read_text()


def test_new_says_what_is_no_description(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text("{}")
    result = run("new", "--from-openapi", str(tmp_path / "server.json"))
    assert result.exit_code == 2
    assert "it is no OpenAPI description" in result.output


def test_check_tells_every_mistake_with_its_line(own: str) -> None:
    Path(own).write_text(OWN.replace("lane:", "lnae:").replace("policy: read", "policy: reed"))
    result = run("check", own)
    assert result.exit_code == 2
    assert f'{own}:12: routes[0].lnae: no such key; did you mean "lane"?' in result.output
    assert "routes[1].policy: must be one of record, read, pass, deny" in result.output


def test_check_says_what_should_have_been_thought_about(own: str) -> None:
    notes = json.loads(run("check", own, "--json").output)["notes"]
    assert [note.partition(":")[0] for note in notes] == ["group main records and has no probe", *["route dose"] * 2]
    assert json.loads(run("check", "fhir-r4", "--json").output)["notes"] == []


def test_try_shows_route_lane_key_and_receipt_and_sends_nothing(tmp_path: Path, own: str) -> None:
    found = tried(tmp_path, own, 'POST /doses/4711 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{"dose":1,"batch":"A"}')
    assert (found["route"], found["policy"], found["path"]) == ("dose", "record", {"person": "4711"})
    assert (found["lanes"], found["natural_key"], found["content"], found["ids"]) == (["4711"], ["4711", "1"], {"batch": "A"}, ["4711"])
    assert (found["receipt"]["status"], found["receipt"]["headers"]["Dosekeeper-State"]) == (202, "pending")
    assert "verdict" not in found


@pytest.mark.parametrize(
    ("answer", "outcome", "live", "replay"),
    [
        ('HTTP/1.1 200 OK\nContent-Type: application/json\n\n{"ok":true}', "accepted", "delivered", "delivered"),
        ('400\nContent-Type: application/json\n\n{"error":"no"}', "refused", "refused", "held"),
        ("HTTP/1.1 502 Bad Gateway\nContent-Type: text/html\n\n<html>", "unknown", "held", "held"),
        ("HTTP/1.1 429 Too Many\n\n", "throttled", "pending", "pending"),
    ],
)
def test_try_says_what_an_answer_would_mean(tmp_path: Path, own: str, answer: str, outcome: str, live: str, replay: str) -> None:
    verdict = tried(tmp_path, own, 'POST /doses/4711\n\n{"dose":1}', answer)["verdict"]
    assert (verdict["outcome"], verdict["record_if_the_desk_waits"], verdict["record_in_replay"]) == (outcome, live, replay)


def test_try_of_what_is_refused_not_described_or_only_read(tmp_path: Path, own: str) -> None:
    refused = tried(tmp_path, own, 'POST /doses/4711\n\n{"dose":9}')["refused"]
    assert (refused["status"], refused["detail"]) == (422, "Nobody has nine. Nothing of it was sent on.")
    assert tried(tmp_path, own, "POST /elsewhere\n\n{}")["route"] is None
    read = tried(tmp_path, own, "GET https://host/api/doses?x=1", '200\nContent-Type: application/json\n\n{"a":1}', "--prefix", "/api")
    assert (read["route"], read["policy"], read["verdict"]["outcome"]) == ("list", "read", "accepted")


def test_try_of_fhir(tmp_path: Path) -> None:
    body = {"resourceType": "Patient", "identifier": [{"system": "urn:p", "value": "1"}]}
    answer = "HTTP/1.1 201 Created\nContent-Type: application/fhir+json\nLocation: http://h/fhir/Patient/77/_history/1\n\n"
    found = tried(tmp_path, "fhir-r4", f"POST /fhir/Patient\n\n{json.dumps(body)}", answer, "--prefix", "/fhir/")
    assert found["added"] == {"If-None-Exist": "identifier=urn%3Ap%7C1"}
    assert found["look_up"] == "GET /Patient?identifier=urn%3Ap%7C1"
    assert found["receipt"]["body"]["id"].startswith("offline-")
    assert (found["verdict"]["outcome"], found["verdict"]["issued"]) == ("accepted", "77")


@pytest.mark.parametrize(("request_text", "answer"), [("", None), ("hello", None), ("POST", None), ("POST /x\n\n{}", "OK")])
def test_try_says_what_is_no_message(tmp_path: Path, own: str, request_text: str, answer: str | None) -> None:
    (tmp_path / "r").write_text(request_text)
    (tmp_path / "a").write_text(answer or "")
    result = run("try", own, str(tmp_path / "r"), *(("--answer", str(tmp_path / "a")) if answer else ()))
    assert result.exit_code == 2
    assert "the first line must be" in result.output


def test_try_in_plain_text(tmp_path: Path, own: str) -> None:
    (tmp_path / "r").write_text('POST /doses/4711\n\n{"dose":1}')
    output = run("try", own, str(tmp_path / "r")).output
    assert 'natural key  ["4711", "1"]\n' in output
    assert "receipt      status: 202\n" in output
