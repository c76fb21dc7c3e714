"""
The profile language: what a profile says about one upstream's API (a module of words; the decisions are in `proxy.rules`).

The descriptions of the keys are their docstrings; `profile.schema.json` carries them into editors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from proxy.document import Section
from proxy.document.fields import Duration, FieldName, Whole, matching, not_empty, seconds
from proxy.document.problems import Finding, Mistakes
from proxy.profiles.expressions import Expression, over
from proxy.profiles.paths import checked_path

Name = Annotated[str, AfterValidator(matching(r"[a-z0-9][a-z0-9_-]*", "lower-case letters, digits and hyphens"))]
PathTemplate = Annotated[str, AfterValidator(checked_path)]
BodyPath = Annotated[
    str, AfterValidator(matching(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*", "a dotted path in the body, such as facility.name"))
]
LowerCaseFieldName = Annotated[FieldName, AfterValidator(str.lower)]

_Item = TypeVar("_Item")
Some = Annotated[tuple[_Item, ...], AfterValidator(not_empty), Field(json_schema_extra={"minItems": 1})]
"""A list of one item or more."""

RequestExpression = Annotated[Expression, AfterValidator(over("method", "path", "query", "headers", "body"))]
"""JMESPath over a request; `path` holds the parameters of the route's path, `headers` lower-case names, `body` the parsed JSON."""

AnswerExpression = Annotated[Expression, AfterValidator(over("status", "headers", "body", "text"))]
"""JMESPath over an answer; `headers` holds lower-case names, `body` the parsed JSON or null, `text` the body as text."""

ReceiptExpression = Annotated[Expression, AfterValidator(over("request", "record"))]
"""JMESPath over `request` (as in a lane) and `record` with its `id`, `number` and `state`."""


class Part(Section):
    """Base of what a profile is made of."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Policy(StrEnum):
    """What becomes of a request on a route."""

    RECORD = "record"
    """Kept in the journal, then sent."""
    READ = "read"
    """Forwarded and remembered; in an outage the remembered answer is given."""
    PASS = "pass"  # noqa: S105 - no password
    """Forwarded; in an outage refused at once."""
    DENY = "deny"
    """Refused, always."""


class IfRefused(StrEnum):
    """What becomes of a record that the upstream refuses after its client had a receipt."""

    HOLD = "hold"
    """It waits for a person, and its lane behind it."""
    PASS_BY = "pass_by"  # noqa: S105 - no password
    """It is `refused`, and its lane goes on."""


class ErrorText(StrEnum):
    """What of a problem of ours fills a member of an error body."""

    CODE = "code"
    TITLE = "title"
    DETAIL = "detail"


class Credentials(Part):
    """Where requests carry credentials; these are never journalled."""

    headers: tuple[LowerCaseFieldName, ...] = ("authorization", "cookie")
    """Header fields that are credentials."""


class Pacing(Part):
    """How gently the upstream is to be treated."""

    calls_per_minute: Annotated[Whole, Field(ge=1)] | None = None
    """Calls a minute that one centre may make of its own accord, all together; null: no limit is known."""
    settle: Duration = seconds("2m")
    """How long after a send the upstream may still be working it off unseen."""


class Probe(Part):
    """A call that changes nothing and shows whether the upstream is there."""

    method: Literal["GET", "HEAD"] = "GET"
    """GET or HEAD."""
    path: Annotated[str, AfterValidator(matching(r"/[^\s#]*", "a path that begins with /"))]
    """Path, and query if need be, without the path of `upstream.url`."""


class Group(Part):
    """Routes that are up or down together."""

    probe: Probe | None = None
    """Without one the group is judged by its traffic, and by its next record to be sent."""


class Answers(Part):
    """How to tell what an answer means. `auth` and `unavailable` are asked first, and of an answer of any content type."""

    content_types: Some[str] = ("application/json",)
    """Media types in which the upstream speaks; an answer in another is not the upstream speaking."""
    accepted: AnswerExpression
    """It did what was asked."""
    own_error: AnswerExpression
    """The error is in the upstream's own format: a 4xx is its verdict."""
    auth: AnswerExpression | None = None
    """The 401 or 403 is the upstream's own: it does not accept the credential."""
    unavailable: AnswerExpression | None = None
    """The 503 is the upstream's own: what was asked was surely not processed."""
    already_recorded: AnswerExpression | None = None
    """It had done before what was asked."""

    def says(self, name: Literal["accepted", "own_error", "auth", "unavailable", "already_recorded"], answer: Mapping[str, object]) -> bool:
        """Whether the expression called *name* holds of *answer*; one that the profile leaves out never does."""
        expression: Expression | None = getattr(self, name)
        return expression is not None and expression.holds(answer)


class OwnAnswers(Part):
    """What is different about the answers of one route."""

    content_types: Some[str] | None = None
    """Instead of the profile's."""
    accepted: AnswerExpression | None = None
    """Instead of the profile's."""
    own_error: AnswerExpression | None = None
    """Instead of the profile's."""
    auth: AnswerExpression | None = None
    """Instead of the profile's."""
    unavailable: AnswerExpression | None = None
    """Instead of the profile's."""
    already_recorded: AnswerExpression | None = None
    """Instead of the profile's."""


class Receipt(Part):
    """What a client gets for a record that is kept but not confirmed, in the shape of the upstream's success."""

    status: Annotated[Whole, Field(ge=200, le=299)] = 200
    """HTTP status."""
    body: ReceiptExpression
    """The JSON body."""
    headers: Mapping[FieldName, ReceiptExpression] = {}
    """Further header fields."""


_ON_RECORD_ROUTES: Final = ("lane", "natural_key", "content")
_ONLY_ON_RECORD_ROUTES: Final = (*_ON_RECORD_ROUTES, "receipt", "if_refused")


class Route(Part):
    """One method and path of the upstream's API."""

    name: Name
    """Its name in metrics, logs and commands."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    """HTTP method; a GET route serves HEAD too."""
    path: PathTemplate
    """Without the path of `upstream.url`: literal segments, {name} for one segment, ** at the end for the rest."""
    policy: Policy
    """What becomes of a request."""
    group: Name
    """The group it is up and down with."""
    lane: RequestExpression | None = None
    """The person concerned, or a list of persons: what concerns one of them is sent in the order in which it came."""
    natural_key: RequestExpression | None = None
    """What makes two requests the same fact: a list of texts."""
    content: Some[BodyPath] | None = None
    """Dotted paths in the body that are the fact's content: the same fact with other content is a conflict."""
    receipt: Receipt | None = None
    """Left out: 202 and a JSON receipt of our own."""
    if_refused: IfRefused = IfRefused.HOLD
    """What becomes of a record that is refused after its client had a receipt."""
    answers: OwnAnswers | None = None
    """What is different about its answers."""

    @model_validator(mode="after")
    def _fits_its_policy(self) -> Self:
        Mistakes.raise_any(self._misfits())
        return self

    def _misfits(self) -> Iterator[Finding]:
        writes = self.method not in ("GET", "HEAD", "OPTIONS")
        if self.policy is Policy.RECORD:
            yield from (((name,), "must be given on a record route") for name in _ON_RECORD_ROUTES if getattr(self, name) is None)
        else:
            given = [name for name in _ONLY_ON_RECORD_ROUTES if name in self.model_fields_set]
            yield from (((name,), f"belongs on record routes only; this one is {self.policy}") for name in given)
        if self.policy is Policy.RECORD and not writes:
            yield ("method",), f"a {self.method} changes nothing: there is nothing to record; its policy is read, pass or deny"
        if self.policy is Policy.READ and self.method not in ("GET", "HEAD"):
            yield ("method",), f"a {self.method} cannot be answered from memory; its policy is record, pass or deny"


class Profile(Part):
    """One upstream's API."""

    profile: Name
    """The profile's name; a shipped one is called like its file."""
    title: str
    """What the upstream is, in a line."""
    sources: str
    """Where the facts come from, and how sure we are of which."""
    credentials: Credentials = Credentials()
    """Where requests carry credentials."""
    error_members: Mapping[str, ErrorText] = {}
    """Members in which the upstream's clients look for an error text; problems of ours carry them too."""
    answers: Answers
    """How to tell what an answer means; a route may say it differently."""
    pacing: Pacing = Pacing()
    """How gently the upstream is to be treated."""
    groups: Annotated[Mapping[Name, Group], AfterValidator(not_empty)]
    """Routes that are up or down together."""
    routes: Some[Route]
    """The routes; of two templates that a path fits, the first counts. A path without parameters comes before any template."""

    def answers_of(self, route: Route) -> Answers:
        """Return how to tell what an answer on *route* means: its own word where it has one, else the profile's."""
        own = route.answers
        return self.answers if own is None else self.answers.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
