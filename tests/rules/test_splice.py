"""Only the values at the paths change; all other bytes of the JSON text stay."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.splice import Path, scalars_at, spliced, written_like

OLD, NEW = "99000001000012", "48448366834980"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from([OLD, '"', "\\", f'x"{OLD}', "a", "b"])
numbers = st.integers(-(2**63), 2**63 - 1) | st.just(int(OLD)) | st.floats(allow_nan=False, allow_infinity=False)
names = st.sampled_from(["a", "b", "", "é", 'q"', "{", "[]"])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)
paths = st.lists(st.sampled_from(["a", "b", "é", None]), min_size=1, max_size=4).map(tuple)


@st.composite
def json_texts(draw: st.DrawFn, value: Any = None) -> bytes:
    """JSON as strangers write it: blanks anywhere, members twice, characters escaped or not."""

    def blank() -> str:
        return draw(st.sampled_from(["", "", " ", "\n\t", "\r\n  "]))

    def written(item: Any) -> str:
        match item:
            case dict():
                members = [f"{blank()}{written(name)}{blank()}:{written(member)}" for name, member in item.items()]
                members += draw(st.lists(st.sampled_from(members), max_size=2)) if members else []
                return f"{blank()}{{{','.join(members) or blank()}}}{blank()}"
            case list():
                return f"{blank()}[{','.join(map(written, item)) or blank()}]{blank()}"
            case _:
                return blank() + json.dumps(item, ensure_ascii=draw(st.booleans())) + blank()

    return written(draw(values) if value is None else value).encode()


def replaced(body: bytes, *where: Path) -> bytes:
    found = [scalar for scalar in scalars_at(where, body) if scalar.text == OLD]
    return spliced(body, [(scalar.start, scalar.end, written_like(scalar, NEW)) for scalar in found])


def expected(value: Any, where: Path) -> Any:
    """What a reader of the result has to see."""
    if not where:
        if isinstance(value, str) and value.strip() == OLD:
            return NEW
        return int(NEW) if value == int(OLD) and not isinstance(value, bool) else value
    step, rest = where[0], where[1:]
    if isinstance(value, dict) and step is not None:
        return {name: expected(member, rest) if name == step else member for name, member in value.items()}
    if isinstance(value, list) and step is None:
        return [expected(item, rest) for item in value]
    return value


@given(json_texts(), paths)
def test_a_reader_sees_the_ids_replaced_and_nothing_else(body: bytes, where: Path) -> None:
    assert orjson.loads(replaced(body, where)) == expected(orjson.loads(body), where)


@given(json_texts(), paths)
def test_every_other_byte_stays(body: bytes, where: Path) -> None:
    rest = at = 0
    result = replaced(body, where)
    for scalar in scalars_at([where], body):
        if scalar.text == OLD:
            between = body[at : scalar.start]
            assert result[rest : rest + len(between)] == between
            rest += len(between) + len(written_like(scalar, NEW))
            at = scalar.end
    assert result[rest:] == body[at:]


@given(json_texts(), paths)
def test_there_and_back(body: bytes, where: Path) -> None:
    spans = [scalar for scalar in scalars_at([where], body) if body[scalar.start : scalar.end] in (OLD.encode(), f'"{OLD}"'.encode())]
    there = spliced(body, [(scalar.start, scalar.end, written_like(scalar, NEW)) for scalar in spans])
    back = spliced(there, [(scalar.start, scalar.end, written_like(scalar, OLD)) for scalar in spans])  # ids of one length
    assert back == body


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ('{"id":"%s"}', '{"id":"@"}'),
        ('{"id" :\t%s , "x":1.0}', '{"id" :\t@ , "x":1.0}'),
        ('{"id":"%s","id":%s}', '{"id":"@","id":@}'),
        ('{"\\u0069d":"%s"}', '{"\\u0069d":"@"}'),
        ('{"id":"\\u0039\\u00399000001000012".}', None),
        ('{"id":"\\u0039\\u0039000001000012"}', '{"id":"@"}'),
        ('{"id":" %s "}', '{"id":"@"}'),
        ('{"id":%s.0}', '{"id":@}'),
        ('{"id":9.9000001000012e13}', '{"id":@}'),
        ('{"ID":"%s","x":{"id":"%s"},"y":["%s"],"z":"\\"id\\":\\"%s\\""}', None),
        ('{"id":["%s"]}', None),
        ('{"id":{"id":"%s"}}', None),
        ('{"id":"%s1"}', None),
        ('{"x":"\\\\","id":"%s"}', '{"x":"\\\\","id":"@"}'),
        ('{"x":"\\\\\\",\\"id\\":\\"%s"}', None),
        ('{"x":[{"id":[1,{"a":[]}]},{}],"id":"%s"}', '{"x":[{"id":[1,{"a":[]}]},{}],"id":"@"}'),
        ('{"id":"%s"', None),
        ("%s", None),
        ('["id","%s"]', None),
        ("", None),
    ],
)
def test_one_body(body: str, result: str | None) -> None:
    body = body.replace("%s", OLD)
    wanted = body if result is None else result.replace("@", NEW)
    assert replaced(body.encode(), ("id",)).decode() == wanted


def test_an_id_that_is_no_number_is_written_as_text() -> None:
    (scalar,) = scalars_at([("id",)], b'{"id":99000001000012}')
    assert [written_like(scalar, text) for text in ("48", "048", "A-48", "४८", 'a"b')] == [
        b"48",
        b'"048"',
        b'"A-48"',
        '"४८"'.encode(),
        b'"a\\"b"',
    ]


@pytest.mark.parametrize(
    "deep", [b"[" * 900 + b"]" * 900, b"[" * 100_000, b'{"id":' * 900 + b"1" + b"}" * 900, b'{"id":"' + b"\\\\" * 300_000]
)
def test_deep_and_broken_bodies_stay_as_they_are(deep: bytes) -> None:
    assert replaced(deep, ("id", "id")) == deep
