"""docs/profiles.md has the whole language, and what it shows is true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jmespath.functions import Functions

from proxy.document import parse_document, validated
from proxy.profiles.checks import between_parts
from proxy.profiles.functions import OwnFunctions
from proxy.profiles.load import shipped_profiles
from proxy.profiles.model import Despite, ErrorText, IfRefused, Policy, Profile
from proxy.profiles.schema import SCHEMA_FILE

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
KEYS = sorted({key for part in (SCHEMA, *SCHEMA["$defs"].values()) for key in part.get("properties", {})})


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_shown(key: str) -> None:
    assert any(re.search(rf"(?<![\w-]){key}:", block) for block in BLOCKS), "in an example"


@pytest.mark.parametrize("word", [*Policy, *IfRefused, *ErrorText, *Despite])
def test_every_word_is_explained(word: str) -> None:
    assert re.search(rf"\b{word}\b", PAGE)


def test_every_function_is_explained() -> None:
    own = OwnFunctions.FUNCTION_TABLE.keys() - Functions.FUNCTION_TABLE.keys()
    assert own
    assert [name for name in own if f"`{name}(" not in PAGE] == []


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_shipped_profiles_are_its_examples(name: str) -> None:
    assert f"(../proxy/profiles/{name}.yaml)" in PAGE


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_example_loads(number: int) -> None:
    """An example that is not a whole profile is a part of the first one."""
    whole: dict[str, Any] = dict(parse_document("page", BLOCKS[0]).value)
    part = parse_document("page", BLOCKS[number])
    assert part.problems == ()
    if isinstance(part.value, list):
        whole |= {"routes": part.value, "provisional": {"digits": 14, "prefix": "99"}}
    elif number:
        whole |= part.value
    document = parse_document("page", json.dumps(whole))
    assert validated(document, Profile, findings=between_parts(document.value)).routes


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 6
