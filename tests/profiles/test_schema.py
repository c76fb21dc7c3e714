"""The JSON Schema for editors is the model's, and the shipped profiles fit it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from proxy.document import parse_document
from proxy.profiles.load import shipped_profiles
from proxy.profiles.schema import SCHEMA_FILE, schema_text

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def test_the_file_is_what_the_model_gives() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "write it anew: python -m proxy.profiles.schema"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profiles_fit(name: str) -> None:
    text = files("proxy.profiles").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    assert list(Draft202012Validator(SCHEMA).iter_errors(parse_document(name, text).value)) == []


def test_a_misspelt_key_and_a_bad_duration_do_not_fit() -> None:
    text = (Path(SCHEMA_FILE).with_name("cowin-vaccinator.yaml")).read_text(encoding="utf-8")
    bad = parse_document("bad", text.replace("settle: 60s", "settle: 60 seconds").replace("if_refused:", "if_refusd:"))
    assert len(list(Draft202012Validator(SCHEMA).iter_errors(bad.value))) == 2


def test_every_key_is_described() -> None:
    parts = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if "properties" in part)]
    bare = [
        (part["title"], name)
        for part in parts
        for name, field in part["properties"].items()
        if "description" not in field and "$ref" not in field
    ]
    assert bare == []
