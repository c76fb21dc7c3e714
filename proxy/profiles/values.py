"""Kinds of value that people write in a profile: names, paths, slots, times of day, and expressions by what they may look at."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from proxy.document.fields import FieldName, matching
from proxy.profiles.expressions import Expression, over
from proxy.profiles.paths import checked_path

_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_CLOCK_WORDS: Final = 'a time of day in quotes, such as "17:00"'
_checked_clock: Final = matching(_CLOCK, _CLOCK_WORDS)


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    return time.fromisoformat(_checked_clock(str(value)))


Name = Annotated[str, AfterValidator(matching(r"[a-z0-9][a-z0-9_-]*", "lower-case letters, digits and hyphens"))]
PathTemplate = Annotated[str, AfterValidator(checked_path)]
PlainPath = Annotated[str, AfterValidator(matching(r"/[^\s#?{}*]*", "a path that begins with /, without parameters and query"))]
BodyPath = Annotated[
    str, AfterValidator(matching(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*", "a dotted path in the body, such as facility.name"))
]
LowerCaseFieldName = Annotated[FieldName, AfterValidator(str.lower)]

Slot = Annotated[
    str,
    AfterValidator(
        matching(
            r"(body(\.[A-Za-z_][\w-]*|\[\])+|query\.[^\s&=#]+)( after [!-~]+)?|path\.[A-Za-z_][A-Za-z0-9_]*",
            'the place of an id, such as body.person, body.persons[], query.person or path.person, or "body.subject after Person/"',
        )
    ),
]
"""
A place where a request carries an id; `[]` stands for each item of a list.

`body.subject after Person/`: the id is the part of a longer text that follows `Person/`, as in `https://host/api/Person/4711/notes`.
"""

ClockTime = Annotated[
    time,
    PlainValidator(_clock),
    PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK}$"}),
]
"""A time of day, written `17:00`."""

RequestExpression = Annotated[Expression, AfterValidator(over("method", "path", "query", "headers", "body"))]
"""JMESPath over a request; `path` holds the parameters of the route's path, `headers` lower-case names, `body` the parsed JSON."""

AnswerExpression = Annotated[Expression, AfterValidator(over("status", "headers", "body", "text"))]
"""JMESPath over an answer; `headers` holds lower-case names, `body` the parsed JSON or null, `text` the body as text."""

ReceiptExpression = Annotated[Expression, AfterValidator(over("request", "record"))]
"""
JMESPath over `request` (as in a lane) and `record` with `id`, `number`, `state`, `message` and `warnings` (texts, in the reader's
language) and, where the route issues an id, `provisional_id`.
"""

ProblemExpression = Annotated[Expression, AfterValidator(over("code", "title", "detail", "status"))]
"""JMESPath over an error of ours: its `code` and HTTP `status`, and what to show a person, `title` in short and `detail` at length."""

QuestionExpression = Annotated[Expression, AfterValidator(over("request"))]
"""JMESPath over `request`: the record as it would go up, with real ids."""

ItemExpression = Annotated[Expression, AfterValidator(over("item"))]
"""JMESPath over `item`, one of those that an answer lists."""

EmptyExpression = Annotated[Expression, AfterValidator(over())]
"""JMESPath over nothing: a literal."""

OverlayExpression = Annotated[Expression, AfterValidator(over("asked", "request", "record", "item"))]
"""JMESPath over `asked` (the question), `request` (a record of ours), `record` with `number` and `person`, and `item`."""

WarningExpression = Annotated[Expression, AfterValidator(over("request", "known"))]
"""JMESPath over `request` (a record of ours) and `known`, the person as the route's look-up would show them now, our records included."""

CandidateExpression = Annotated[Expression, AfterValidator(over("candidate", "request"))]
"""JMESPath over `candidate`, one of those that a look-up found, and `request`, the record as it would go up."""

DayExpression = Annotated[Expression, AfterValidator(over("day", "yyyy", "mm", "dd", "centre"))]
"""JMESPath over a `day` in the centre's time zone (`2026-11-26`, and its parts `yyyy`, `mm`, `dd`) and `centre`, its `centre.id`."""

EntryExpression = Annotated[Expression, AfterValidator(over("entry"))]
"""JMESPath over `entry`, one of those that a list of expected persons has."""

Target = Annotated[str, AfterValidator(matching(r"/[!-~]*", "a path that begins with /, with its query if it has one"))]
"""What is asked of the upstream: a path without that of `upstream.url`, and a query."""

CallerExpression = Annotated[Expression, AfterValidator(over("claims", "headers"))]
"""JMESPath over `claims`, what a request's token says (nobody has checked it), and `headers`, its fields by lower-case names."""
