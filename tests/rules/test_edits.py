from __future__ import annotations

import json

import pytest

from proxy.rules.edits import Unsettable, edited

BODY = b'{ "name": "Lakshmi Nair",  "center_id": 999999, "dose": 1.50, "ok": true, "id": null, "persons": ["a", "b"], "at": {"x": "1"} }'


@pytest.mark.parametrize(
    ("setting", "was", "becomes"),
    [
        ("center_id=563048", b"999999", b"563048"),
        ("name=563048", b'"Lakshmi Nair"', b'"563048"'),
        ("name=a=b", b'"Lakshmi Nair"', b'"a=b"'),
        ("at.x=2", b'"1"', b'"2"'),
        ('center_id:="563048"', b"999999", b'"563048"'),
        ("dose=2", b"1.50", b"2"),
        ("name:=null", b'"Lakshmi Nair"', b"null"),
    ],
)
def test_a_value_is_replaced_and_nothing_else(setting: str, was: bytes, becomes: bytes) -> None:
    body, changes = edited(BODY, [setting])
    assert body == BODY.replace(was, becomes)
    assert [change.path for change in changes] == [setting.partition("=")[0].removesuffix(":")]


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [("persons.1=c", ["persons"], ["a", "c"]), ('new:={"a": 1}', ["new"], {"a": 1}), ("id:=5", ["id"], 5), ("ok=false", ["ok"], False)],
)
def test_what_cannot_be_spliced_is_written_anew(setting: str, path: list[str], value: object) -> None:
    body, (change,) = edited(BODY, [setting])
    assert json.loads(body) == json.loads(BODY) | {path[0]: value}
    assert "Lakshmi" not in repr(change)


def test_a_member_that_stands_twice_is_replaced_twice() -> None:
    assert edited(b'{"a":1,"a":2}', ["a=3"])[0] == b'{"a":3,"a":3}'


def test_what_it_says_already_is_no_change() -> None:
    assert edited(BODY, ["name=Lakshmi Nair", "center_id=999999"]) == (BODY, [])


def test_one_change_sees_the_one_before() -> None:
    body, changes = edited(BODY, ["name=a", "name=Lakshmi Nair"])
    assert body == BODY
    assert [(change.old, change.new) for change in changes] == [("Lakshmi Nair", "a"), ("a", "Lakshmi Nair")]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("centre_id=1", 'did you mean "center_id"'),
        ("center_id=one", "quotes"),
        ("center_id=true", "is a number"),
        ("ok=1", "true or false"),
        ("persons=x", "whole value"),
        ("persons.2=x", "no such place"),
        ("nobody.name=x", "no such place"),
        ("name.first=x", "no such place"),
        ("a..b=x", "path=value"),
        ("name", "path=value"),
        ("name:=Lakshmi", "quotes"),
    ],
)
def test_what_cannot_be_says_why_and_repeats_no_value(setting: str, says: str) -> None:
    with pytest.raises(Unsettable, match=says) as caught:
        edited(BODY, [setting])
    assert "Nair" not in str(caught.value)
