"""What may be asked of an operation: one model each, for the admin API and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from proxy.operations.errors import Unfit
from proxy.operations.times import milliseconds
from proxy.settings.values import TimeZone
from store.outages import Kind
from store.records import RecordState

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

_TIME = TypeAdapter(AwareDatetime)


def _moment(value: object) -> object:
    if not isinstance(value, str):
        message = "must be a time with its zone (RFC 3339), such as 2026-11-24T17:30:00+05:30"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueErrors only
    at: datetime = _TIME.validate_python(value)
    return milliseconds(at)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Moment = Annotated[int, BeforeValidator(_moment)]
"""Wall-clock milliseconds UTC, written in RFC 3339 with a zone."""

Many = Annotated[tuple[T, ...], BeforeValidator(_listed)]
"""None, one or several."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(max_length=500)]


class Asked(BaseModel):
    """Base of all: unchangeable, and no member but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class NothingAsked(Asked):
    """For what takes no parameter."""


class Choice(Asked):
    """
    Which records; what is left out does not matter.

    `lane` is the person as the profile's route names it (personal data); `cause` is how a record's reason begins.
    """

    state: Many[RecordState] = ()
    route: Many[str] = ()
    lane: str | None = None
    since: Moment | None = None
    outage: int | None = None
    cause: str | None = None


class RecordsAsked(Choice):
    """A list of records, oldest first, `limit` at most."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class RecordAsked(Asked):
    """One record by its number or its id; with `body` also what holds personal data."""

    key: str
    body: bool = False


class OutagesAsked(Asked):
    """The outages (or what else is of a `kind`) of some groups, those not over by `since`; what is left out does not matter."""

    group: Many[str] = ()
    since: Moment | None = None
    kind: Kind | Literal["all"] = "down"


class ReportAsked(Asked):
    """The outages from `since` (24 hours before the end) to `until` (now), by the days of a time zone."""

    since: Moment | None = None
    until: Moment | None = None
    timezone: TimeZone = "UTC"


class AnnotateAsked(Asked):
    """What a person knows better of the outage whose id is `key`."""

    key: int
    by: Name
    reason: Annotated[Reason, Field(min_length=1)]
    cause: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] | None = None
    scope: Literal["local", "between", "upstream"] | None = None


class HoldAsked(Asked):
    """An operator's hold."""

    by: Name
    reason: Reason = ""
    until: Moment | None = None


class ReleaseAsked(Asked):
    """The end of a hold."""

    by: Name


class PurgeReadsAsked(Asked):
    """The end of all that is remembered of the server's answers."""

    by: Name
    reason: Reason = ""


class ReplayAsked(Choice):
    """
    A replay of what is chosen, or (`dry_run`) what it would send; `rate` is calls a minute, never more than the settings allow.

    `by` is who lets held records be tried again; wanted where they are chosen.
    """

    rate: Annotated[int, Field(ge=1)] | None = None
    dry_run: bool = False
    by: Name | None = None


class Deciding(Asked):
    """A person's decision: who, and why; `word`: they have looked, and vouch that no send got through."""

    by: Name
    reason: Reason = ""
    word: bool = False


class EditAsked(Deciding):
    """Changes of one record, each `path=value` or `path:=JSON`; with `dry_run` only what they would change."""

    key: str
    set: Annotated[Many[str], Field(min_length=1, max_length=100)]
    dry_run: bool = False


class SettleAsked(Deciding):
    """That the server has a record, and by which reference a person found it there; for a registration the real id."""

    key: str
    state: Literal["delivered"] = "delivered"
    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class ManyAsked(Choice, Deciding):
    """Some records, by `keys` (numbers or ids) or by what they have in common; with `dry_run` only which."""

    keys: Annotated[Many[str], Field(max_length=10_000)] = ()
    dry_run: bool = False


class DiscardAsked(ManyAsked):
    """Records given up; why is wanted."""

    reason: Annotated[Reason, Field(min_length=1)]


class AuditAsked(Asked):
    """A page of the audit: entries after the one of that id; with `record` those of the record of that number."""

    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    record: Annotated[int, Field(ge=1)] | None = None


class ExportAsked(Asked):
    """The paper register of what is not confirmed; with `dry_run` only how much that is."""

    by: Name
    reason: Reason = ""
    dry_run: bool = False


class BackupAsked(Asked):
    """A backup into `folder` (absolute, as the service sees it), named for `centre`; `keep` so many of that centre's, the newest."""

    folder: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    centre: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    keep: Annotated[int, Field(ge=1)] | None = None


def parsed(model: type[M], asked: Mapping[str, object]) -> M:
    """
    Return *asked* as a *model*.

    Raises:
        Unfit: it is not; the text has every mistake and repeats no value.
    """
    try:
        return model.model_validate(dict(asked))
    except ValidationError as error:
        words = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False, include_url=False))
        raise Unfit("; ".join(words)) from None
