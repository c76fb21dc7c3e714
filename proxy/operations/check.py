"""
Whether a service could start here and do its work: configuration, profile, versions, disk, key, clock, upstream.

Nothing is changed: the upstream is asked one question, the profile's probe, and of the journal a few pages are held against the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from proxy.document import DocumentError
from proxy.operations import check_machine, versions
from proxy.operations.finding import Finding, well
from proxy.operations.preflight import cautions, problems
from proxy.profiles.load import load_profile
from proxy.profiles.model import Policy, Probe, Profile
from proxy.rules.circuit import Sign
from proxy.rules.clock_doubt import OFFSET_MAX_S, SANE_YEARS, Doubt, Why, heard_s
from proxy.rules.evidence import sign_of
from proxy.rules.outcome import OutcomeKind, classify
from proxy.rules.wire import Answer, Exchange, Failure, FailureKind
from proxy.settings import Settings
from proxy.traffic.active_profile import ActiveProfile
from proxy.traffic.clock import Clock
from proxy.traffic.own_credential import own_credential
from proxy.traffic.upstream import Outgoing, Upstream
from store.file.connection import sqlite_version

_WORDS: Final[Mapping[FailureKind, str]] = {
    FailureKind.DNS: "its name cannot be resolved",
    FailureKind.REFUSED: "nothing listens there (connection refused)",
    FailureKind.CONNECT: "it cannot be reached",
    FailureKind.TLS: "no TLS connection comes about: its certificate is not one to trust, or it speaks no TLS (see upstream.ca_file)",
    FailureKind.TIMEOUT: "it does not answer in time",
    FailureKind.RESET: "it ends the connection without an answer",
    FailureKind.TRUNCATED: "its answer ends in the middle",
    FailureKind.PROTOCOL: "what it answers is not HTTP",
}
"""Why there is no answer, as it is told."""


async def check(settings: Settings, environ: Mapping[str, str], clock: Clock, *, file: Path | None, service: bool) -> list[Finding]:
    """
    Return what was found, everything at once, in the order in which it is to be put right.

    *file* is where the settings were read, None for the defaults; *service*: this journal's own service runs, and has its ports.
    """
    findings = [_source(file), *_configuration(settings, environ)]
    profile, about_profile = _profile(settings)
    findings += about_profile
    findings += [Finding("safety", 1, str(caution)) for caution in cautions(settings, clock.aware())]
    findings += [
        *_versions(),
        *check_machine.files(settings, environ),
        *await check_machine.ports(settings, service=service),
        _clock(clock.aware()),
    ]
    if profile is None or any(finding.exit_code for finding in findings if finding.what == "configuration"):
        return [*findings, Finding("upstream", 1, "not asked: put the above right first, then run: dosekeeper check")]
    return [*findings, *await _upstream(settings, profile, clock)]


def _source(file: Path | None) -> Finding:
    return well("settings", "no config.yaml here: defaults" if file is None else str(file.absolute()))


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
        why = _WORDS[exchange.kind] if isinstance(exchange, Failure) else f"gave no answer of its own ({outcome.kind}, {outcome.cause})"
        yield Finding("upstream", 1, f"{settings.upstream.url}: {why}. Check upstream.url and the line")
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
