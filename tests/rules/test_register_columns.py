from __future__ import annotations

from pathlib import Path

from proxy.profiles.load import load_profile
from proxy.rules.register_columns import cell, columns_of


def test_the_columns_come_from_the_profile() -> None:
    routes = {route.name: route for route in load_profile("cowin-vaccinator", Path()).routes}
    assert columns_of([routes["vaccinate"]])[:4] == ["beneficiary_reference_id", "dose", "center_id", "vaccine"]
    assert columns_of([routes["register"]])[:3] == ["mobile_number", "name", "birth_year"]
    both = columns_of([routes["vaccinate"], routes["schedule-onspot"]])
    assert len(both) == len(set(both))
    assert "beneficiaries" in both


def test_a_cell_is_text() -> None:
    body = {"a": {"b": 1}, "list": ["x", 2], "yes": True, "none": None}
    assert [cell(body, path) for path in ("a.b", "list", "yes", "none", "a.c", "a.b.c")] == ["1", "x 2", "yes", "", "", ""]


def test_of_a_fhir_server_what_is_nested_can_be_read_on_paper() -> None:
    routes = {route.name: route for route in load_profile("fhir-r4", Path()).routes}
    body = {"vaccineCode": {"coding": [{"system": "urn:cvx", "code": "207"}]}, "patient": {"reference": "Patient/4711"}}
    columns = columns_of([routes["immunization"]])
    assert [cell(body, path) for path in columns[:3]] == ["Patient/4711", "", "urn:cvx 207"]
    assert columns_of([routes["transaction"]]) == ["identifier.value", "entry", "type"]
