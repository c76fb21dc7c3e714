"""What may be done with a profile before it is in force: draft one, look it through, try it. Nothing is sent, and no journal is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proxy.document import DocumentError, Place, Problem
from proxy.profiles.draft import DECIDE, draft
from proxy.profiles.load import load_profile
from proxy.profiles.model import IfRefused, Policy, Profile, Route
from proxy.profiles.openapi import NotOpenApi, read


@dataclass(frozen=True, slots=True)
class Checked:
    """A profile without mistakes; `notes` is what a person should have thought about."""

    profile: Profile
    notes: tuple[str, ...]


def drafted(description: Path) -> str:
    """
    Return a first profile from the OpenAPI file *description*.

    Raises:
        DocumentError: it cannot be read, or describes no API.
    """
    try:
        return draft(read(description.read_text(encoding="utf-8-sig")), description.name)
    except NotOpenApi as error:
        words = str(error)
    except UnicodeDecodeError:
        words = "is not UTF-8 text; save it as UTF-8"
    except OSError as error:
        words = f"cannot be read: {error.strerror}"
    raise DocumentError([Problem(Place(str(description)), "", words)])


def checked(name_or_path: str) -> Checked:
    """
    Return a profile, and what stands out in it.

    Raises:
        DocumentError: all that is wrong with it, at once.
    """
    profile = load_profile(name_or_path, Path())
    return Checked(profile, (*_undecided(Path(name_or_path)), *_notes(profile)))


def _undecided(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if left := text.count(DECIDE):
        yield f"{left} times it still says {DECIDE}: answer each, then take the mark out"


def _notes(profile: Profile) -> Iterator[str]:
    recorded = [route for route in profile.routes if route.policy is Policy.RECORD]
    if not recorded:
        yield "no route records: in an outage nothing can be kept"
    for name in dict.fromkeys(route.group for route in recorded):
        if profile.groups[name].probe is None:
            yield f"group {name} records and has no probe: that the server is back is learnt from the next record alone"
    for route in recorded:
        yield from (f"route {route.name}: {words}" for words in _of_route(route))


def _of_route(route: Route) -> Iterator[str]:
    if route.look_up is None and route.idempotent is None:
        yield "no look_up: what may have got through waits for a person"
    if route.receipt is None:
        yield "no receipt: in an outage the desks' software gets a 202 and JSON that it may not know"
    if route.if_refused is IfRefused.PASS_BY:
        yield "if_refused is pass_by: what the server refuses in replay nobody is told of"
