"""A profile drafted from an OpenAPI description loads as it is, and asks what it cannot know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.document import parse_document, validated
from proxy.profiles.checks import between_parts
from proxy.profiles.draft import DECIDE, draft
from proxy.profiles.model import Policy, Profile
from proxy.profiles.openapi import NotOpenApi, read, template

OPENAPI = """\
openapi: 3.0.3
info: {title: "State Immunisation Server", version: "2.1"}
servers: [{url: https://imm.example.in/gateway/v2/}]
paths:
  /vaccinations:
    get: {operationId: findVaccinations, parameters: [{$ref: "#/components/parameters/person"}], responses: {"200": {description: ok}}}
    post:
      operationId: recordVaccination
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Vaccination"}}}}
      responses:
        "201": {description: made}
        "400": {description: no, content: {application/problem+json: {schema: {properties: {code: {}, message: {}}}}}}
  /persons:
    post:
      summary: Register a person
      requestBody: {content: {application/json: {schema: {properties: {fullName: {}, birthDate: {}, address: {}}}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {properties: {personId: {}}}}}}}
    delete: {responses: {"204": {description: gone}}}
  /persons/{person-id}: {get: {responses: {"200": {description: ok}}}}
  /persons/me: {get: {responses: {"200": {description: ok}}}}
  /appointments: {post: {summary: Book an appointment for a vaccination, responses: {"200": {description: ok}}}}
  /{any}/x: {get: {responses: {"200": {description: ok}}}}
components:
  parameters: {person: {name: personId, in: query}}
  securitySchemes: {key: {type: apiKey, in: header, name: X-Api-Key}, login: {type: http, scheme: bearer}}
  schemas:
    Person: {properties: {personId: {type: string}}}
    Vaccination: {allOf: [{$ref: "#/components/schemas/Person"}, {properties: {dose: {}, vaccine: {}, batch-no: {}}}]}
"""

SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Alt", "version": 1},
    "basePath": "/api",
    "produces": ["application/json"],
    "securityDefinitions": {"key": {"type": "apiKey", "in": "query", "name": "key"}},
    "paths": {
        "/health": {"get": {"responses": {}}},
        "/doses/{id}.json": {
            "put": {
                "tags": ["vaccination"],
                "parameters": [{"in": "body", "name": "body", "schema": {"$ref": "#/definitions/Dose"}}],
                "responses": {"200": {"schema": {"properties": {"ok": {}}}}},
            }
        },
    },
    "definitions": {"Dose": {"properties": {"beneficiary_reference_id": {}, "dose": {}, "note": {}}}},
}


def loaded(text: str) -> Profile:
    document = parse_document("drafted.yaml", draft(read(text), "server.yaml"))
    return validated(document, Profile, findings=between_parts(document.value))


def test_a_draft_loads_and_guesses_what_can_be_guessed() -> None:
    profile = loaded(OPENAPI)
    policies = {(route.method, route.path): route.policy for route in profile.routes}
    assert policies == {
        ("GET", "/vaccinations"): Policy.READ,
        ("POST", "/vaccinations"): Policy.RECORD,
        ("POST", "/persons"): Policy.RECORD,
        ("DELETE", "/persons"): Policy.PASS,
        ("GET", "/persons/{person_id}"): Policy.READ,
        ("GET", "/persons/me"): Policy.READ,
        ("POST", "/appointments"): Policy.PASS,
    }
    dose, person = [route for route in profile.routes if route.policy is Policy.RECORD]
    assert (dose.name, dose.lane and dose.lane.text) == ("record-vaccination", "text(body.personId)")
    assert (dose.natural_key and dose.natural_key.text, dose.content) == ("[text(body.personId), text(body.dose)]", ("vaccine", "batch-no"))
    assert dose.slots == ("body.personId",)
    assert person.lane is not None
    assert person.lane.text == "join('|', [text(body.fullName), text(body.birthDate)])"
    assert profile.credentials.headers == ("authorization", "cookie", "x-api-key")
    assert profile.answers.content_types == ("application/problem+json", "application/json")
    assert str(profile.answers.own_error) == "body.code != `null` && body.message != `null`"


def test_what_it_cannot_know_it_asks() -> None:
    text = draft(read(OPENAPI), "server.yaml")
    assert f"{DECIDE}: GET /{{any}}/x is left out: some paths fit both it and /persons/{{person_id}}." in text
    assert "# The paths lie below /gateway/v2, which belongs into upstream.url: https://host/gateway/v2" in text
    assert "issues: {id: text(body.personId)}, and a look_up with an id" in text
    assert (
        "look_up: how is the server asked whether it has it? Without, a lost answer waits for a person. Perhaps\n    #   /vaccinations."
        in text
    )


def test_swagger_2_as_json() -> None:
    profile = loaded(json.dumps(SWAGGER))
    probe = profile.groups["main"].probe
    assert probe is not None
    assert (profile.profile, probe.path) == ("alt", "/health")
    (dose,) = [route for route in profile.routes if route.policy is Policy.RECORD]
    assert (dose.method, dose.path, dose.content) == ("PUT", "/doses/{id}", ("note",))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "openapi: 3.0.0", "paths: {}", "openapi: 3.0.0\npaths: []", "a: [", "a: !!python/name:os.system ''"]
)
def test_what_is_no_description_is_told(text: str) -> None:
    with pytest.raises(NotOpenApi):
        read(text)


def test_a_description_that_refers_to_itself_is_read() -> None:
    own = {"$ref": "#/components/schemas/A"}
    description = {"openapi": "3", "paths": {"/a": {"post": {"requestBody": own}}}, "components": {"schemas": {"A": own}}}
    assert [route.policy for route in loaded(json.dumps(description)).routes] == [Policy.PASS]


@pytest.mark.parametrize(
    ("path", "written"), [("/a/{b-c}", "/a/{b_c}"), ("/a/{1}", "/a/{x1}"), ("/a/v{b}.json", "/a/{b}"), ("a", "/a"), ("/a/{}", "/a/{x}")]
)
def test_a_path_as_a_profile_writes_it(path: str, written: str) -> None:
    assert template(path) == written


segments = st.sampled_from(["a", "b", "{x}", "{y-z}"])
bodies = st.lists(st.sampled_from(["patientId", "dose", "name", "birth_date", "größe", "a-b", "x y", "$id"]), unique=True)
operations: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        method: st.fixed_dictionaries(
            {"summary": st.sampled_from(["vaccinate", "log in", "", 'a "quoted" # text\nin lines'])},
            optional={
                "requestBody": bodies.map(
                    lambda names: {"content": {"application/json": {"schema": {"properties": {name: {} for name in names}}}}}
                )
            },
        )
        for method in ("get", "post", "put", "delete")
    },
)
paths = st.lists(segments, min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(f"{p[:-1]}{i}}}" if p.endswith("}") else p for i, p in enumerate(parts))
)


@pytest.mark.parametrize("title", ["0", "null", "Yes", "1-2", "\x98", 'a "b" # c', ""])
def test_a_title_is_text_whatever_it_looks_like(title: str) -> None:
    assert loaded(json.dumps({"openapi": "3", "info": {"title": title}, "paths": {"/a": {"get": {"operationId": title}}}})).routes


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(paths, operations, min_size=1, max_size=6), st.text(max_size=8))
def test_every_draft_with_a_route_loads(described: dict[str, Any], title: str) -> None:
    text = json.dumps({"openapi": "3", "info": {"title": title}, "paths": described})
    if any(described.values()):
        loaded(text)
