"""
Whether a service could start here and do its work: configuration, profile, versions, disk, key, clock, upstream.

Nothing is changed: the upstream is asked one question, the profile's probe, and the journal is not opened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from proxy.document import DocumentError
from proxy.operations import versions
from proxy.operations.preflight import cautions, problems
from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy, Probe, Profile
from proxy.rules.circuit import Sign
from proxy.rules.clock_doubt import OFFSET_MAX_S, SANE_YEARS, Doubt, Why, heard_s
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import OutcomeKind, classify
from proxy.rules.wire import Answer, Exchange
from proxy.settings import Settings
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.own_credential import own_credential
from proxy.traffic.upstream import Outgoing, Upstream
from store.errors import JournalError
from store.file.connection import sqlite_version
from store.file.keyfile import KEY_VARIABLE, journal_key
from store.file.reserve import ballast_bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `exit_code` is 0 where it is well, 2 for a mistake in the configuration, 1 for the rest."""

    what: str
    exit_code: int
    message: str


def well(what: str, message: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(what, 0, message)


async def check(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Return what was found, everything at once, in the order in which it is to be put right."""
    findings = [*_configuration(settings, environ)]
    profile, about_profile = _profile(settings)
    findings += about_profile
    findings += [Finding("safety", 1, str(caution)) for caution in cautions(settings, clock.aware())]
    findings += [*_versions(), *_disk(settings), *_key(settings, environ), _clock(clock.aware())]
    if profile is None or any(finding.exit_code for finding in findings if finding.what == "configuration"):
        return [*findings, Finding("upstream", 1, "not asked: put the above right first, then run: dosekeeper check")]
    return [*findings, *await _upstream(settings, profile, clock)]


def _configuration(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    found = problems(settings, environ)
    yield from (Finding("configuration", 2, str(problem)) for problem in found)
    if not found:
        yield well("configuration", f"centre {settings.centre.id}, upstream {settings.upstream.url}")


def _profile(settings: Settings) -> tuple[Profile | None, list[Finding]]:
    try:
        profile = load_profile(settings.profile, Path())
    except DocumentError as error:
        return None, [Finding("profile", 2, str(problem)) for problem in error.problems]
    recorded = sum(route.policy is Policy.RECORD for route in profile.routes)
    return profile, [well("profile", f"{profile.profile}: {len(profile.routes)} routes, {recorded} of them recorded")]


def _versions() -> list[Finding]:
    old = versions.too_old()
    return [Finding("versions", 1, line) for line in old] or [well("versions", f"Python, SQLite {sqlite_version()} and all libraries fit")]


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.store.path.parent
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("disk", 1, f"{there} cannot be written: give the user that dosekeeper runs as access to it")
        return
    # What a service has taken for its reserve is the journal's too.
    free, reserve = shutil.disk_usage(there).free + ballast_bytes(settings.store.path), settings.store.reserve
    if free < reserve:
        yield Finding("disk", 1, f"{folder}: {_mebibytes(free)} free, store.reserve wants {_mebibytes(reserve)}: make room")
    else:
        yield well("disk", f"{folder} can be written, {_mebibytes(free)} free")


def _key(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    journal, key_file = settings.store.path, settings.store.key_file
    if KEY_VARIABLE not in environ and not journal.exists() and not key_file.exists():
        yield well("key", "no journal yet; the first start makes the journal and its key")
        return
    try:
        journal_key(journal, key_file, environ)
    except JournalError as error:
        yield Finding("key", 1, str(error))
    else:
        yield well("key", f"from the variable {KEY_VARIABLE}" if KEY_VARIABLE in environ else str(key_file))


def _clock(now: datetime) -> Finding:
    if now.year not in SANE_YEARS:
        return Finding("clock", 1, f"this computer's clock says {now:%Y-%m-%d %H:%M} UTC, which cannot be: set it")
    return well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


async def _upstream(settings: Settings, profile: Profile, clock: Clock) -> list[Finding]:
    probe = _probe(profile)
    if probe is None:
        return [well("upstream", "not asked: the profile names no probe")]
    upstream = Upstream(settings.upstream)
    try:
        own = own_credential(settings.upstream, upstream, clock)
        for source in own.sources():
            await source.step()
        if own.missing:
            return [Finding("upstream", 1, f"not asked: {own.wrong}; see upstream.oauth2")]
        asked_s = clock.monotonic()
        exchange = await upstream.ask(Outgoing(probe.method, upstream.prefix + probe.path, own.fields()), settings.outage.slow_after)
    finally:
        await upstream.close()
    return [*_answer(settings, profile, exchange, clock, asked_s)]


def _answer(settings: Settings, profile: Profile, exchange: Exchange, clock: Clock, asked_s: float) -> Iterator[Finding]:
    took_s = clock.monotonic() - asked_s
    outcome = classify(exchange, profile.answers, ActiveProfile(profile).code_member, clock.aware())
    sign = sign_of(outcome.kind)
    if outcome.kind is OutcomeKind.AUTH and (settings.upstream.headers or settings.upstream.oauth2):
        yield Finding(
            "upstream", 1, "it answers, but does not accept the sidecar's credential (upstream.headers, upstream.oauth2): get a valid one"
        )
    elif sign in (Sign.GOOD, Sign.AUTH):
        yield well("upstream", f"{settings.upstream.url} answers, in {took_s * 1000:.0f} ms")
    else:
        why = f"{outcome.kind}, {outcome.cause}"
        yield Finding("upstream", 1, f"{settings.upstream.url} gave no answer of its own ({why}): check URL and line")
    if isinstance(exchange, Answer):
        yield from _offset(exchange, asked_s, clock)


def _offset(answer: Answer, asked_s: float, clock: Clock) -> Iterator[Finding]:
    now = clock.stamp()
    heard = heard_s(answer.field(b"date"), answer.field(b"age"), asked_s, now.boot_s)
    if heard is None:
        return
    offset = now.wall / 1000 - now.boot_s - heard
    if abs(offset) > OFFSET_MAX_S:
        yield Finding("clock", 1, f"this computer's clock is {Doubt(Why.OFFSET, offset)}'s: set it, doses carry its time")
    else:
        yield well("clock", f"within {OFFSET_MAX_S:.0f} s of the upstream's")


def _probe(profile: Profile) -> Probe | None:
    """Return the probe of a group that records, else any."""
    recording = {route.group for route in profile.routes if route.policy is Policy.RECORD}
    probes = [(name not in recording, group.probe) for name, group in profile.groups.items() if group.probe is not None]
    return min(probes, key=lambda entry: entry[0])[1] if probes else None


def _mebibytes(amount: int) -> str:
    return f"{amount // (1 << 20)} MiB"
