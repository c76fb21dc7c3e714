from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.model import Route
from proxy.rules.slots import slots_in, translated

P, X = "99000001000012", "48448366834980"
Q, Y = "99000001000020", "31205876421109"
REAL = {P: X, Q: Y}


def route(*slots: str, path: str = "/persons", method: str = "POST") -> Route:
    written: dict[str, Any] = {"name": "r", "method": method, "path": path, "policy": "pass", "group": "main", "slots": slots}
    return Route.model_validate(written)


@pytest.mark.parametrize(
    ("slot", "target", "result"),
    [
        ("query.id", f"/api/persons?id={P}", f"/api/persons?id={X}"),
        ("query.id", f"/persons?a=1&id={P}&b=%20&id={Q}", f"/persons?a=1&id={X}&b=%20&id={Y}"),
        ("query.id", "/persons?i%64=%39%39000001000012&&x", f"/persons?i%64={X}&&x"),
        ("query.id", f"/persons?id=+{P}%20", f"/persons?id={X}"),
        ("query.id", f"/persons?ID={P}&idd={P}&id&id=&x=id={P}", None),
        ("query.id", f"/persons/{P}?id=7", None),
        ("query.id", "/persons", None),
    ],
)
def test_in_the_query(slot: str, target: str, result: str | None) -> None:
    assert translated(route(slot), target, b"", REAL) == (result or target, b"")


@pytest.mark.parametrize(
    ("target", "result"),
    [
        (f"/persons/{P}/doses/{P}", f"/persons/{X}/doses/{P}"),
        (f"/divoc/api/persons/{P}/doses/1?id={P}", f"/divoc/api/persons/{X}/doses/1?id={P}"),
        (f"/{P}/persons/%399000001000012/doses/1", f"/{P}/persons/{X}/doses/1"),
        ("/persons/7/doses/1", None),
        ("/x", None),
    ],
)
def test_in_the_path(target: str, result: str | None) -> None:
    found = route("path.id", path="/persons/{id}/doses/{n}")
    assert translated(found, target, b"", REAL) == (result or target, b"")


def test_an_id_that_needs_encoding_is_encoded() -> None:
    found = route("query.id", "path.id", path="/persons/{id}")
    assert translated(found, f"/persons/{P}?id={P}", b"", {P: "a/b c&d"}) == ("/persons/a%2Fb%20c%26d?id=a%2Fb%20c%26d", b"")


@pytest.mark.parametrize(
    ("slot", "body", "result"),
    [
        ("body.id", '{"id":"P","other":"P"}', '{"id":"X","other":"P"}'),
        ("body.persons[]", '{"persons":["P",Q,"x",7,null]}', '{"persons":["X",Y,"x",7,null]}'),
        ("body[].person.id", '[{"person":{"id":P}},{"person":{"id":"Q"}},{"person":"P"}]', None),
        ("body.persons[].id", '{"persons":[{"id":"P"},{"id":"Q","of":"P"}]}', '{"persons":[{"id":"X"},{"id":"Y","of":"P"}]}'),
        ("body[]", '["P", "Q"]', '["X", "Y"]'),
    ],
)
def test_in_the_body(slot: str, body: str, result: str | None) -> None:
    result = result or '[{"person":{"id":X}},{"person":{"id":"Y"}},{"person":"P"}]'

    def with_ids(text: str) -> bytes:
        for letter, id_ in (("P", P), ("Q", Q), ("X", X), ("Y", Y)):
            text = text.replace(letter, id_)
        return text.encode()

    assert translated(route(slot), "/persons", with_ids(body), REAL) == ("/persons", with_ids(result))


def test_what_stands_in_the_slots() -> None:
    found = route("body.id", "body.persons[]", "query.id", "path.of", path="/of/{of}")
    body = f'{{"id": {P}.0, "persons": [" {Q} ", 7, "", null, true, [1]], "name": "Lakshmi Nair"}}'.encode()
    assert slots_in(found, "/api/of/a%20b?id=%39&id=&x=1", body) == {P, Q, "7", "a b", "9"}
    assert slots_in(route(), f"/persons?id={P}", body) == frozenset()
    assert slots_in(route("body.id"), "/persons", b"id=" + P.encode()) == frozenset()


@given(st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: "/" + text), st.binary())
def test_any_request_is_borne_and_nothing_changes_where_nothing_is_known(target: str, body: bytes) -> None:
    found = route("query.id", "body.id", "body[]", "path.id", path="/persons/{id}/x")
    slots_in(found, target, body)
    assert translated(found, target, body, {}) == (target, body)
    assert translated(found, target, body, {"no such id": X}) == (target, body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Patient/{}", "Patient/{}"),
        ("https://host/fhir/Patient/{}/_history/1", "https://host/fhir/Patient/{}/_history/1"),
        ("Patient\\/{}", "Patient/{}"),
        ("Patient\\u002F{}", "Patient/{}"),
        ("Patient/{}-1", None),
        ("Patient/7{}", None),
        ("OutPatient/{}", None),
        ("Person/{}", None),
        ("{}", None),
    ],
)
def test_an_id_that_is_part_of_a_text(before: str, after: str | None) -> None:
    whole = '{{ "a" : {{"reference" :"{}"}}, "b": "Patient/{}" }}'
    body, wanted = whole.format(before.format(P), P), whole.format(before.format(P) if after is None else after.format(X), P)
    assert translated(route("body.a.reference after Patient/"), "/persons", body.encode(), REAL) == ("/persons", wanted.encode())


def test_an_id_that_is_part_of_a_text_in_the_query() -> None:
    both = route("query.patient", "query.patient after Patient/", method="GET")
    target = f"/x?patient=Patient%2F{P}&patient={Q}&patient=Patient/{Q},Patient/7"
    assert translated(both, target, b"", REAL)[0] == f"/x?patient=Patient/{X}&patient={Y}&patient=Patient/{Y}%2CPatient/7"
    assert {P, Q, "7"} <= slots_in(both, target, b"")


def test_two_kinds_of_reference_in_one_place() -> None:
    entries = route("body.e[].url after Patient/", "body.e[].url after Immunization/")
    body = json.dumps({"e": [{"url": f"Patient/{P}"}, {"url": f"Immunization/{Q}"}, {"url": "Patient"}]}).encode()
    assert json.loads(translated(entries, "/x", body, REAL)[1])["e"] == [
        {"url": f"Patient/{X}"},
        {"url": f"Immunization/{Y}"},
        {"url": "Patient"},
    ]
    assert slots_in(entries, "/x", body) == {P, Q}
