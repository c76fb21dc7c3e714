"""What is wrong with a profile is told like what is wrong with the configuration: at once, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.document import DocumentError
from proxy.profiles.load import load_profile

HEAD = """\
profile: own
title: Our own server
sources: invented
answers: {accepted: "status == `200`", own_error: body.error}
groups: {main: {}, other: {}}
routes:
"""
RECORD = """\
  - name: dose
    method: POST
    path: /doses
    policy: record
    group: main
    lane: text(body.person)
    natural_key: "[text(body.person), text(body.dose)]"
    content: [batch]
"""

ISSUES = "    issues: {id: body.id}\n"
LOOK_UP = """\
    look_up: {path: /find, query: {person: request.body.person}, candidates: body.doses, same: candidate.day == request.body.day}
"""
ISSUED = LOOK_UP.replace("}\n", ",\n      id: candidate.id}\n")
PROVISIONAL = "provisional: {digits: 14, prefix: '99'}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def complaints(text: str) -> list[str]:
    Path("own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_profile("own.yaml", Path())
    return str(caught.value).splitlines()


def route(name: str, path: str, method: str = "GET", **more: str) -> str:
    members = {"name": name, "method": method, "path": path, "policy": "pass", "group": "main", **more}
    return "  - {" + ", ".join(f"{key}: '{value}'" for key, value in members.items()) + "}\n"


OVERLAYS = """\
overlays:
  persons:
    {about: query.id, items: persons, item_about: item.id, empty: "`{}`", changes: [{record: doze, about: request.body.id, same: item.id}]}
"""


def test_overlays_that_are_not_there_and_records_that_are_none() -> None:
    text = HEAD.replace("routes:", OVERLAYS + "routes:") + RECORD + route("find", "/find", policy="read", overlay="people")
    assert complaints(text) == [
        'own.yaml:8: overlays.persons.changes[0].record: there is no record route "doze"; did you mean "dose"?',
        'own.yaml:18: routes[1].overlay: there is no overlay "people"; valid here: persons',
    ]


WARM_UP = """\
warm_up:
  masters: ["/codes?kind=all", /log-in]
  expected: [{path: /day, entries: body.people, look_ups: entry.path}]
  refresh: [find, finds]
"""


def test_what_is_asked_for_in_quiet_times_is_on_read_routes() -> None:
    routes = route("log-in", "/log-in") + route("codes", "/codes", policy="read") + route("find", "/find", policy="read")
    assert complaints(HEAD.replace("routes:", WARM_UP + "routes:") + routes) == [
        'own.yaml:7: warm_up.masters[1]: "/log-in" is on no read route: its answer would not be remembered',
        'own.yaml:8: warm_up.expected[0]: "/day" is on no read route: its answer would not be remembered',
        'own.yaml:9: warm_up.refresh[1]: there is no read route "finds"; did you mean "find"?',
    ]


@pytest.mark.parametrize("key", ["shared", "remember", "overlay"])
def test_what_is_of_reads_belongs_on_read_routes(key: str) -> None:
    value = {"shared": "centre", "remember": "{max_stale: 0s}", "overlay": "persons"}[key]
    (complaint,) = complaints(HEAD.replace("routes:", OVERLAYS.replace("doze", "dose") + "routes:") + RECORD + f"    {key}: {value}\n")
    assert complaint.endswith(f"{key}: belongs on read routes only; this one is record")


def listed(name: str, method: str, slot: str, path: str = "/x", policy: str = "pass") -> str:
    """A route with a slot, one line."""
    return route(name, path, method, policy=policy).removesuffix("}\n") + f", slots: ['{slot}']}}\n"


def test_a_profile_of_ones_own() -> None:
    Path("own.yaml").write_text(HEAD + RECORD, encoding="utf-8")
    profile = load_profile("own.yaml", Path())
    assert (profile.profile, profile.pacing.settle, profile.pacing.calls_per_minute) == ("own", 120.0, None)
    assert profile.credentials.headers == ("authorization", "cookie")
    assert profile.answers_of(profile.routes[0]) is profile.answers


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HEAD + RECORD.replace("lane:", "lnae:"), 'own.yaml:12: routes[0].lnae: no such key; did you mean "lane"?'),
        (HEAD + RECORD.replace("    lane: text(body.person)\n", ""), "own.yaml:7: routes[0].lane: must be given on a record route"),
        (HEAD + RECORD.replace("    content: [batch]\n", ""), "own.yaml:7: routes[0].content: must be given on a record route"),
        (HEAD + RECORD.replace("[batch]", "[]"), "own.yaml:14: routes[0].content: must not be empty"),
        (HEAD + RECORD.replace("[batch]", "batch"), 'own.yaml:14: routes[0].content: must be a list, not "batch"'),
        (
            HEAD + RECORD.replace("[batch]", "[/batch]"),
            'own.yaml:14: routes[0].content[0]: "/batch" must be a dotted path in the body, such as facility.name',
        ),
        (
            HEAD + RECORD.replace("text(body.person)", "txet(body.person)", 1),
            'own.yaml:12: routes[0].lane: there is no function "txet"; did you mean "text"?',
        ),
        (
            HEAD + RECORD.replace("body.person", "bodi.person", 1),
            'own.yaml:12: routes[0].lane: "bodi" is not there to be asked; did you mean "body"?',
        ),
        (
            HEAD + RECORD.replace("lane: text(body.person)", "lane: text(body.person"),
            "own.yaml:12: routes[0].lane: is no JMESPath expression: it ends too early",
        ),
        (HEAD + RECORD.replace("lane: text(body.person)", "lane: 5"), "own.yaml:12: routes[0].lane: must be text, not 5"),
        (
            HEAD + RECORD.replace("policy: record", "policy: rekord"),
            'own.yaml:10: routes[0].policy: must be one of record, read, pass, deny, not "rekord"',
        ),
        (
            HEAD + RECORD.replace("group: main", "group: mian"),
            'own.yaml:11: routes[0].group: there is no group "mian"; did you mean "main"?',
        ),
        (
            HEAD + RECORD.replace("method: POST", "method: GET"),
            "own.yaml:8: routes[0].method: a GET changes nothing: there is nothing to record; its policy is read, pass or deny",
        ),
        (
            HEAD + route("list", "/list", method="POST", policy="read"),
            "own.yaml:7: routes[0].method: a POST cannot be answered from memory; its policy is record, pass or deny",
        ),
        (HEAD + route("list", "/list", lane="body.x"), "own.yaml:7: routes[0].lane: belongs on record routes only; this one is pass"),
        (
            HEAD + route("list", "/list", if_refused="hold"),
            "own.yaml:7: routes[0].if_refused: belongs on record routes only; this one is pass",
        ),
        (HEAD + route("list", "list"), 'own.yaml:7: routes[0].path: "list" must begin with /'),
        (HEAD + route("My list", "/list"), 'own.yaml:7: routes[0].name: "My list" must be lower-case letters, digits and hyphens'),
        (HEAD + route("a", "/a") + route("a", "/b"), 'own.yaml:8: routes[1].name: "a" is the name of routes[0] already'),
        (HEAD + route("a", "/a") + route("b", "/a"), "own.yaml:8: routes[1].path: is the method and path of routes[0] (a)"),
        (
            HEAD + route("a", "/a/**") + route("b", "/a/{x}"),
            "own.yaml:8: routes[1].path: is never reached: every path that fits it fits the earlier routes[0] (a)",
        ),
        (
            HEAD + route("a", "/a/{x}/c") + route("b", "/a/b/{y}"),
            "own.yaml:8: routes[1].path: is not clear: some paths fit both it and routes[0] (a)",
        ),
        (
            HEAD.replace("{main: {},", "{main: {probe: {method: POST, path: /ping}},") + RECORD,
            'own.yaml:5: groups.main.probe.method: must be one of GET, HEAD, not "POST"',
        ),
        (
            HEAD.replace("{main: {},", "{main: {probe: {path: ping}},") + RECORD,
            'own.yaml:5: groups.main.probe.path: "ping" must be a path that begins with /',
        ),
        (
            HEAD.replace("body.error", "bodi.error") + RECORD,
            'own.yaml:4: answers.own_error: "bodi" is not there to be asked; did you mean "body"?',
        ),
        (
            HEAD + RECORD + "    answers: {acepted: status}\n",
            'own.yaml:15: routes[0].answers.acepted: no such key; did you mean "accepted"?',
        ),
        (
            HEAD + RECORD + "    receipt: {body: body.x}\n",
            'own.yaml:15: routes[0].receipt.body: "body" is not there to be asked; valid here: request, record',
        ),
        (
            HEAD + RECORD + "    receipt: {status: 404, body: request}\n",
            "own.yaml:15: routes[0].receipt.status: must be at most 299, not 404",
        ),
        (HEAD.replace("profile: own\n", "") + RECORD, "own.yaml:1: profile: must be given"),
        (HEAD + "  []\n", "own.yaml:6: routes: must not be empty"),
        (HEAD + "  - dose\n", 'own.yaml:7: routes[0]: must be a mapping (key: value), not "dose"'),
        (
            HEAD + RECORD + "error_members: {error: text}\n",
            'own.yaml:15: error_members.error: must be one of code, title, detail, not "text"',
        ),
        (HEAD + RECORD + "pacing: {calls_per_minute: 0}\n", "own.yaml:15: pacing.calls_per_minute: must be at least 1, not 0"),
        (
            HEAD + RECORD + "    slots: [header.person]\n",
            (
                'own.yaml:15: routes[0].slots[0]: "header.person" must be the place of an id, such as '
                'body.person, body.persons[], query.person or path.person, or "body.subject after Person/"'
            ),
        ),
        (
            HEAD + RECORD.replace("    content: [batch]\n", "    idempotent: request.body\n"),
            "own.yaml:7: routes[0].content: must be given on a record route",
        ),
        (
            HEAD + route("find", "/find").removesuffix("}\n") + ", send_headers: {X-A: request.body}}\n",
            "own.yaml:7: routes[0].send_headers: belongs on record routes only; this one is pass",
        ),
        (
            HEAD + RECORD + "    refuse_if: [{when: request.body, text: no}]\n",
            'own.yaml:15: routes[0].refuse_if[0].when: "request" is not there to be asked; did you mean "query"?',
        ),
        (
            HEAD + RECORD + "    refuse_if: [{when: body.no, text: ''}]\n",
            "own.yaml:15: routes[0].refuse_if[0].text: must not be empty",
        ),
        (
            HEAD + RECORD + "error_body: problem.title\n",
            'own.yaml:15: error_body: "problem" is not there to be asked; valid here: code, title, detail, status',
        ),
        (HEAD + RECORD + "    slots: [body.a, path.id]\n", 'own.yaml:15: routes[0].slots[1]: there is no parameter {id} in "/doses"'),
        (
            HEAD + route("find", "/find") + "    # more\n" + listed("x", "GET", "body.id"),
            "own.yaml:9: routes[1].slots[0]: a GET has no body",
        ),
        (
            HEAD + listed("x", "GET", "path.id", path="/a/{id}/**"),
            'own.yaml:7: routes[0].slots[0]: cannot be told from the rest of a path that ends in "**"',
        ),
        (
            HEAD + listed("x", "POST", "body.id", policy="deny"),
            "own.yaml:7: routes[0].slots: belong on routes that let something through; this one is deny",
        ),
        (
            HEAD + RECORD + ISSUES + PROVISIONAL,
            "own.yaml:15: routes[0].issues: needs a look_up with an id: an answer that holds the id can be lost",
        ),
        (
            HEAD + RECORD + ISSUES + LOOK_UP + PROVISIONAL,
            "own.yaml:15: routes[0].issues: needs a look_up with an id: an answer that holds the id can be lost",
        ),
        (
            HEAD + RECORD + ISSUES + ISSUED,
            "own.yaml:15: routes[0].issues: needs the form of provisional ids: give `provisional` in the profile",
        ),
        (HEAD + RECORD + ISSUED, "own.yaml:16: routes[0].look_up.id: belongs on routes that issue an id"),
        (
            HEAD + RECORD + LOOK_UP.replace("path: /find", "path: /doses"),
            "own.yaml:15: routes[0].look_up.path: is asked with GET, and the routes of that path are for other methods",
        ),
        (
            HEAD + RECORD + LOOK_UP.replace("path: /find", "path: /find?x=1"),
            'own.yaml:15: routes[0].look_up.path: "/find?x=1" must be a path that begins with /, without parameters and query',
        ),
        (HEAD + RECORD + LOOK_UP.replace("{person: request.body.person}", "{}"), "own.yaml:15: routes[0].look_up.query: must not be empty"),
        (
            HEAD + RECORD + LOOK_UP.replace("request.body.person", "body.person", 1),
            'own.yaml:15: routes[0].look_up.query.person: "body" is not there to be asked; valid here: request',
        ),
        (
            HEAD + RECORD + LOOK_UP.replace("candidate.day", "candiate.day"),
            'own.yaml:15: routes[0].look_up.same: "candiate" is not there to be asked; did you mean "candidate"?',
        ),
        (
            HEAD + RECORD + LOOK_UP.replace("candidates: body.doses, ", ""),
            "own.yaml:15: routes[0].look_up.candidates: must be given",
        ),
        (
            HEAD + route("x", "/x", method="POST").removesuffix("}\n") + f", {LOOK_UP.strip()}}}\n",
            "own.yaml:7: routes[0].look_up: belongs on record routes only; this one is pass",
        ),
        (
            HEAD + RECORD + "provisional: {digits: 12, prefix: '99'}\n",
            "own.yaml:15: provisional.digits: must be at least 13, or the running numbers are soon used up",
        ),
        (HEAD + RECORD + "provisional: {digits: 16, prefix: '99'}\n", "own.yaml:15: provisional.digits: must be at most 15, not 16"),
        (
            HEAD + RECORD + "provisional: {digits: 14, prefix: '09'}\n",
            (
                'own.yaml:15: provisional.prefix: "09" must be one to four digits in quotes, the first of them not 0, '
                "or letters, such as offline-"
            ),
        ),
        (HEAD + RECORD + "provisional: {digits: 14, prefix: 99}\n", "own.yaml:15: provisional.prefix: must be text, not 99"),
        (
            HEAD + RECORD + "back_entry: {days: 1, until: 5 p.m.}\n",
            'own.yaml:15: back_entry.until: "5 p.m." must be a time of day in quotes, such as "17:00"',
        ),
        (HEAD + RECORD + "back_entry: {days: 0, until: '17:00'}\n", "own.yaml:15: back_entry.days: must be at least 1, not 0"),
    ],
)
def test_one_mistake(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


def test_a_wider_template_may_follow_a_narrower_one_and_a_plain_path_any() -> None:
    routes = route("a", "/a/{x}") + route("rest", "/**") + route("plain", "/a/b") + route("write", "/a/{x}", method="POST")
    Path("own.yaml").write_text(HEAD + routes, encoding="utf-8")
    assert len(load_profile("own.yaml", Path()).routes) == 4


def test_all_mistakes_are_told_at_once() -> None:
    text = HEAD + RECORD.replace("lane:", "lnae:") + route("dose", "/doses", method="POST", group="mian") + route("x", "y", policy="red")
    assert complaints(text) == [
        'own.yaml:12: routes[0].lnae: no such key; did you mean "lane"?',
        'own.yaml:15: routes[1].group: there is no group "mian"; did you mean "main"?',
        'own.yaml:15: routes[1].name: "dose" is the name of routes[0] already',
        "own.yaml:15: routes[1].path: is the method and path of routes[0] (dose)",
        'own.yaml:16: routes[2].path: "y" must begin with /',
        'own.yaml:16: routes[2].policy: must be one of record, read, pass, deny, not "red"',
    ]


def test_no_such_profile() -> None:
    with pytest.raises(DocumentError) as caught:
        load_profile("cowin-vacinator", Path())
    assert (
        str(caught.value)
        == 'profile: no shipped profile is called "cowin-vacinator" (a path ends in .yaml); did you mean "cowin-vaccinator"?'
    )


def test_no_such_file() -> None:
    with pytest.raises(DocumentError) as caught:
        load_profile("mine.yaml", Path("profiles"))
    name = Path("profiles") / "mine.yaml"
    assert str(caught.value) == f"{name}: no such file; give the path of a profile, or the name of a shipped one: cowin-vaccinator, fhir-r4"
