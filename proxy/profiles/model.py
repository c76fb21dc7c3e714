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
from proxy.profiles.expressions import Expression
from proxy.profiles.paths import REST
from proxy.profiles.values import (
    AnswerExpression,
    BodyPath,
    CallerExpression,
    CandidateExpression,
    ClockTime,
    DayExpression,
    EmptyExpression,
    EntryExpression,
    ItemExpression,
    LowerCaseFieldName,
    Name,
    OverlayExpression,
    PathTemplate,
    PlainPath,
    ProblemExpression,
    QuestionExpression,
    ReceiptExpression,
    RequestExpression,
    Slot,
    Target,
    WarningExpression,
)

_Item = TypeVar("_Item")
Some = Annotated[tuple[_Item, ...], AfterValidator(not_empty), Field(json_schema_extra={"minItems": 1})]
"""A list of one item or more."""


CENTRE_DIGITS: Final = 6
"""Digits of `centre.number` in a provisional id."""

RUNNING_DIGITS_MIN: Final = 4


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


class CountsAs(StrEnum):
    """What a record of a route is to those who count."""

    DOSE = "dose"
    """Somebody was vaccinated."""
    WALK_IN = "walk_in"
    """Somebody was registered who had not been."""


class IfRefused(StrEnum):
    """What becomes of a record that the upstream refuses after its client had a receipt."""

    HOLD = "hold"
    """It waits for a person, and its lane behind it."""
    PASS_BY = "pass_by"  # noqa: S105 - no password
    """It is `refused`, and its lane goes on."""


class Despite(StrEnum):
    """A wish of the upstream's about an answer (Cache-Control) that a route may leave aside, each by its name."""

    NO_STORE = "no-store"
    """It is not to be kept."""
    NO_CACHE = "no-cache"
    """It is not to be given without asking again."""
    MUST_REVALIDATE = "must-revalidate"
    """It is not to be given when it is stale."""
    PRIVATE = "private"
    """It is for one person; of concern on shared routes only."""


class ErrorText(StrEnum):
    """What of a problem of ours fills a member of an error body."""

    CODE = "code"
    TITLE = "title"
    DETAIL = "detail"


class Credentials(Part):
    """Where requests carry credentials; these are never journalled."""

    headers: tuple[LowerCaseFieldName, ...] = ("authorization", "cookie")
    """Header fields that are credentials."""
    token: LowerCaseFieldName = "authorization"  # noqa: S105 - the name of a field
    """The field that carries a signed token (a JWT), after the scheme Bearer or alone."""
    principal: CallerExpression | None = None
    """Whom a credential stands for; left out, or where it finds no text: each credential for itself."""
    same: CallerExpression | None = None
    """What must be equal of two principals that one may send the other's records; left out: none may."""
    vouched_by: tuple[Name, ...] = ()
    """Routes, besides record routes, that answer nobody without a good credential: their success shows that it is one."""


class Pacing(Part):
    """How gently the upstream is to be treated."""

    calls_per_minute: Annotated[Whole, Field(ge=1)] | None = None
    """Calls a minute that one centre may make of its own accord, all together; null: no limit is known."""
    settle: Duration = seconds("2m")
    """How long after a send the upstream may still be working it off unseen."""


class BackEntry(Part):
    """Until when an entry counts that is made late: what is not confirmed by then has to be reported."""

    days: Annotated[Whole, Field(ge=1, le=365)]
    """Days after the day of recording, in the centre's time zone."""
    until: ClockTime
    """The time of day at which that day's entries close."""


class Sweep(Part):
    """Quiet hours, in the centre's time zone, in which the upstream is asked once more for what it took in the last day."""

    begin: ClockTime
    """From this time of day on."""
    end: ClockTime
    """Until this time of day, on the next day if it is earlier."""


class Provisional(Part):
    """The form of an id that stands in until the upstream has issued its own: prefix, centre's number, running number, check digit."""

    digits: Annotated[Whole, Field(ge=11, le=15)]
    """Digits in all, those of the prefix too; up to 15 are exact where a client reads the id as a number."""
    prefix: Annotated[
        str,
        AfterValidator(
            matching(
                r"[1-9][0-9]{0,3}|[A-Za-z][A-Za-z.-]{0,15}",
                "one to four digits in quotes, the first of them not 0, or letters, such as offline-",
            )
        ),
    ]
    """What such an id begins with, and as few as possible of the upstream's own: digits, or letters with hyphens and dots."""

    @property
    def running_digits(self) -> int:
        """Digits that are left for the running number."""
        return self.length - len(self.prefix) - CENTRE_DIGITS - 1

    @property
    def length(self) -> int:
        """Characters in all."""
        return self.digits if self.prefix.isdigit() else len(self.prefix) + self.digits

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.running_digits < RUNNING_DIGITS_MIN:
            words = f"must be at least {self.digits + RUNNING_DIGITS_MIN - self.running_digits}, or the running numbers are soon used up"
            raise Mistakes([(("digits",), words)])
        return self


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


class RefuseIf(Part):
    """Requests on a record route that are not taken, whether the upstream is up or down."""

    when: RequestExpression
    """What holds of them."""
    text: Annotated[str, Field(min_length=1)]
    """Why, and what to send instead; shown to whoever sent it."""


class WarnIf(Part):
    """What a person at the desk is told with the receipt; the record is kept all the same."""

    when: WarningExpression
    """What holds of the record, and of the person as far as they are known here."""
    text: Annotated[str, AfterValidator(matching(r"[!-~]([ -~]{0,198}[!-~])?", "one line of plain ASCII, 200 characters at most"))]
    """What to say; it stands in a header field."""


class Issues(Part):
    """What the upstream makes up for a record, and its client needs to go on."""

    id: AnswerExpression
    """The id of the person (or of whatever was made), in an accepted answer."""


class LookUp(Part):
    """How to ask whether the upstream has the fact of a record. An answer that is not `accepted` says nothing, but for `none`."""

    path: PlainPath
    """What to GET, without the path of `upstream.url`; what its answer means is told by the route of that path, if there is one."""
    query: Annotated[Mapping[str, QuestionExpression], AfterValidator(not_empty)]
    """Query of the call, by name; where a value is not to be had, `or_query` is asked."""
    or_query: Mapping[str, QuestionExpression] = {}
    """Another query; where a value of this one is not to be had either, the record cannot be looked up."""
    candidates: AnswerExpression
    """The list of what may be the fact."""
    same: CandidateExpression
    """The candidate is the fact. When this holds of several, a person decides."""
    other: CandidateExpression | None = None
    """The candidate is the fact with other content, or may be; then a person decides. Asked where `same` holds of none."""
    none: AnswerExpression | None = None
    """The upstream's own error that says that there is nothing at all."""
    id: CandidateExpression | None = None
    """The id that the upstream issued; on routes that issue one."""


class Remember(Part):
    """What is kept of the answers on a read route, for an outage."""

    max_stale: Duration | None = None
    """The oldest answer that is given; left out: `reads.max_stale` of the configuration; 0s: none is kept."""
    headers: tuple[LowerCaseFieldName, ...] = ()
    """Request fields that are part of the question, beside those that the upstream names in Vary."""
    despite: tuple[Despite, ...] = ()
    """Wishes in the upstream's Cache-Control that are not followed: an outage without the answer is worse."""


class Change(Part):
    """How the records of one route change an answer that lists something."""

    record: Name
    """The record route."""
    about: QuestionExpression
    """The texts by which a record is found: a text or a list of texts, such as the person's id. A registration is found by its id too."""
    same: OverlayExpression
    """The item is the one that the record is about."""
    shown: OverlayExpression | None = None
    """The item shows the record already: the server's word counts. Left out: never."""
    set: OverlayExpression | None = None
    """Members of the item as they would be; those without a value are left alone."""
    where: OverlayExpression | None = None
    """The question is about the record, so that an item that is not there is added. Left out: always."""
    add: OverlayExpression | None = None
    """The item that would be there."""


class Overlay(Part):
    """How this centre's own records are laid over answers until the server shows them."""

    about: RequestExpression
    """The texts that a question names: a text or a list of texts, such as an id and a mobile."""
    items: BodyPath
    """Dotted path of the list in the answer's body."""
    count: BodyPath | None = None
    """Dotted path of a number in the answer's body that says how many there are; counted up by what is added. Left out: none does."""
    item_about: ItemExpression
    """The texts by which an item's records are found."""
    empty: EmptyExpression
    """The body of an answer in which there is nobody."""
    none: AnswerExpression | None = None
    """The server's own error that says that there is nobody."""
    read_lag: Duration = seconds("30m")
    """How long after a delivery an answer of the server's may still not show it."""
    changes: Some[Change]
    """What records change."""


class Expected(Part):
    """A list of the persons whom the centre expects on a day, and what a desk looks up of each. It is on a read route."""

    path: PlainPath
    """What to GET, without the path of `upstream.url`."""
    query: Mapping[str, DayExpression] = {}
    """Query of the call, by name; asked for today and for tomorrow."""
    entries: AnswerExpression
    """The list in the answer, one entry for each person."""
    look_ups: EntryExpression
    """What a desk will ask about the person: a path with its query, or a list of these. They are on read routes."""
    next: AnswerExpression | None = None
    """Where the list goes on: a URL, or a path with its query; left out, or without a value: nowhere."""


class WarmUp(Part):
    """What is asked for in quiet times, so that an outage finds it remembered."""

    masters: tuple[Target, ...] = ()
    """Paths on read routes of which every desk needs the answers, such as lists of codes."""
    expected: tuple[Expected, ...] = ()
    """Who is expected today and tomorrow, where the upstream tells."""
    refresh: tuple[Name, ...] = ()
    """Read routes of which what a desk has looked up in the last day is asked for anew before it is too old."""


_ON_RECORD_ROUTES: Final = ("lane", "natural_key", "content")
_ONLY_ON_RECORD_ROUTES: Final = (
    *(*_ON_RECORD_ROUTES, "receipt", "if_refused", "issues", "look_up"),
    *("counts_as",),
    *("send_headers", "refuse_if", "warn_if", "idempotent"),
)
_ONLY_ON_READ_ROUTES: Final = ("shared", "remember", "overlay")
_WITHOUT_BODY: Final = ("GET", "HEAD", "OPTIONS")


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
    """What makes two requests the same fact: a list of texts. May be left out, with `content`, where `idempotent` is given."""
    content: Some[BodyPath] | None = None
    """Dotted paths in the body that are the fact's content: the same fact with other content is a conflict."""
    receipt: Receipt | None = None
    """Left out: 202 and a JSON receipt of our own."""
    if_refused: IfRefused = IfRefused.HOLD
    """What becomes of a record that is refused after its client had a receipt."""
    counts_as: CountsAs | None = None
    """What a record is in reports of outages; left out: a record as any other."""
    answers: OwnAnswers | None = None
    """What is different about its answers."""
    slots: tuple[Slot, ...] = ()
    """Where a request carries ids that may be provisional; only there is one replaced by the real one."""
    send_headers: Mapping[FieldName, QuestionExpression] = {}
    """Header fields that every send carries, where the client sent none of that name and the value is to be had."""
    refuse_if: tuple[RefuseIf, ...] = ()
    """What is not taken on this route, and why; of several the first counts."""
    warn_if: tuple[WarnIf, ...] = ()
    """What is said with a receipt, while the server cannot judge; needs a look_up, of whose answer the one candidate is `known`."""
    idempotent: QuestionExpression | None = None
    """Holds of a record that may be sent again without a look-up: sent twice, it changes what sending it once does."""
    shared: Literal["centre"] | None = None
    """`centre`: its answer is the same for everybody in the centre, and one who asked is enough for all. Left out: each has their own."""
    remember: Remember = Remember()
    """What is kept of its answers for an outage; on read routes."""
    overlay: Name | None = None
    """The profile's overlay that is laid over its answers; on read routes."""
    issues: Issues | None = None
    """What the upstream makes up for the record; until then the client has a provisional one."""
    look_up: LookUp | None = None
    """How to find out whether the upstream has it; left out: what may have got through waits for a person."""

    @model_validator(mode="after")
    def _fits_its_policy(self) -> Self:
        Mistakes.raise_any(self._misfits())
        return self

    def _misfits(self) -> Iterator[Finding]:
        writes = self.method not in _WITHOUT_BODY
        if self.policy is Policy.RECORD:
            needed = _ON_RECORD_ROUTES if self.idempotent is None or self.natural_key or self.content else ("lane",)
            yield from (((name,), "must be given on a record route") for name in needed if getattr(self, name) is None)
        else:
            given = [name for name in _ONLY_ON_RECORD_ROUTES if name in self.model_fields_set]
            yield from (((name,), f"belongs on record routes only; this one is {self.policy}") for name in given)
        if self.policy is not Policy.READ:
            yield from (
                ((name,), f"belongs on read routes only; this one is {self.policy}")
                for name in _ONLY_ON_READ_ROUTES
                if name in self.model_fields_set
            )
        if self.policy is Policy.RECORD and not writes:
            yield ("method",), f"a {self.method} changes nothing: there is nothing to record; its policy is read, pass or deny"
        if self.policy is Policy.READ and self.method not in ("GET", "HEAD"):
            yield ("method",), f"a {self.method} cannot be answered from memory; its policy is record, pass or deny"
        if self.warn_if and self.look_up is None:
            yield ("warn_if",), "needs a look_up: what is known of the person is what that would show"
        yield from self._misplaced_slots()
        yield from self._unknown_ids()

    def _misplaced_slots(self) -> Iterator[Finding]:
        if self.policy is Policy.DENY and self.slots:
            yield ("slots",), "belong on routes that let something through; this one is deny"
        for index, slot in enumerate(self.slots):
            if problem := self._slot_problem(slot):
                yield ("slots", index), problem

    def _slot_problem(self, slot: str) -> str | None:
        kind, _, name = slot.partition(".")
        if kind == "query":
            return None
        if kind == "path":
            if f"{{{name}}}" not in self.path.split("/"):
                return f'there is no parameter {{{name}}} in "{self.path}"'
            return 'cannot be told from the rest of a path that ends in "**"' if self.path.endswith(REST) else None
        return f"a {self.method} has no body" if self.method in _WITHOUT_BODY else None

    def _unknown_ids(self) -> Iterator[Finding]:
        if self.issues is not None and (self.look_up is None or self.look_up.id is None):
            # A registration whose answer was lost would be made twice, or leave those behind it without an id.
            yield ("issues",), "needs a look_up with an id: an answer that holds the id can be lost"
        if self.issues is None and self.look_up is not None and self.look_up.id is not None:
            yield ("look_up", "id"), "belongs on routes that issue an id"


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
    error_body: ProblemExpression | None = None
    """An object whose members problems of ours carry instead, where the upstream's errors are not flat."""
    answers: Answers
    """How to tell what an answer means; a route may say it differently."""
    pacing: Pacing = Pacing()
    """How gently the upstream is to be treated."""
    back_entry: BackEntry | None = None
    """Until when a late entry counts; left out: no such rule is known."""
    sweep: Sweep | None = None
    """When to ask once more for what was delivered; left out: never."""
    provisional: Provisional | None = None
    """The form of provisional ids; needed where a route issues an id."""
    warm_up: WarmUp | None = None
    """What is asked for in quiet times; left out: nothing."""
    overlays: Mapping[Name, Overlay] = {}
    """How records of this centre are laid over answers, by name."""
    groups: Annotated[Mapping[Name, Group], AfterValidator(not_empty)]
    """Routes that are up or down together."""
    routes: Some[Route]
    """The routes; of two templates that a path fits, the first counts. A path without parameters comes before any template."""

    def answers_of(self, route: Route) -> Answers:
        """Return how to tell what an answer on *route* means: its own word where it has one, else the profile's."""
        own = route.answers
        return self.answers if own is None else self.answers.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})

    def answers_of_look_up(self, look_up: LookUp) -> Answers:
        """Return how to tell what the answer to *look_up* means: by the route it is on, if there is one."""
        asked = next((route for route in self.routes if route.method == "GET" and route.path == look_up.path), None)
        return self.answers if asked is None else self.answers_of(asked)
