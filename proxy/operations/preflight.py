"""What must be right before a service starts, beyond the words of its configuration: files that are there, ports that are guarded."""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, assert_never

from proxy.document import Place, Problem
from proxy.document.fields import FromEnvironment, FromFile, FromText, HeaderSource
from proxy.rules.client_keys import parsed
from proxy.rules.loopback import is_loopback
from proxy.settings import Settings
from proxy.traffic.server import wire_problem

OTHERS_READ: Final = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def problems(settings: Settings, environ: Mapping[str, str]) -> list[Problem]:
    """Return all that keeps a service from starting with *settings*; no value of a credential is repeated."""
    return [
        *settings.problems_off_loopback(),
        *_guarded("admin", settings.admin.host, settings.admin.token_file),
        *_metrics_port(settings),
        *_credentials(settings, environ),
        *_certificates(settings),
        *_client_keys(settings),
        *_wire(),
    ]


def _wire() -> Iterator[Problem]:
    if (why := wire_problem()) is not None:
        yield _problem("", why)


def cautions(settings: Settings, now: datetime) -> list[Problem]:
    """Return what does not keep a service from starting and is not as it should be; *now* is aware."""
    return [*_exposed(settings), *_over(settings, now), *_reachable(settings)]


def _guarded(section: str, host: str, token_file: Path | None) -> Iterator[Problem]:
    if token_file is None:
        if not is_loopback(host):
            yield _problem(
                f"{section}.token_file",
                f"must be given, because {section}.host ({host}) can be reached from other machines. "
                f"Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > {section}.token",
            )
    elif unread := _unreadable(token_file) or _not_text(token_file):
        yield _problem(f"{section}.token_file", unread)


def _metrics_port(settings: Settings) -> Iterator[Problem]:
    if settings.metrics.port is not None:
        yield from _guarded("metrics", settings.metrics.host, settings.metrics.token_file)


def _credentials(settings: Settings, environ: Mapping[str, str]) -> Iterator[Problem]:
    sources = {f"headers.{name}": source for name, source in settings.upstream.headers.items()}
    oauth2 = settings.upstream.oauth2
    if oauth2 is not None and oauth2.client_secret is not None:
        sources["oauth2.client_secret"] = oauth2.client_secret
    for name, source in sources.items():
        if missing := _missing(source, environ):
            yield _problem(f"upstream.{name}", missing)
    if oauth2 is not None and oauth2.private_key_file is not None:
        yield from _signs("upstream.oauth2.private_key_file", oauth2.private_key_file)


def _signs(key: str, file: Path) -> Iterator[Problem]:
    if unread := _unreadable(file):
        yield _problem(key, unread)
        return
    from joserfc.errors import JoseError

    from proxy.traffic.client_proof import private_key

    try:
        private_key(file.read_bytes())
    except (ValueError, TypeError, JoseError):
        yield _problem(key, f"{file}: no RSA or EC private key (PEM or JWK, without a passphrase) in there; put the right file in place")


def _client_keys(settings: Settings) -> Iterator[Problem]:
    file = settings.recording.client_keys_file
    if file is None or not file.exists():
        return
    try:
        parsed(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield _problem("recording.client_keys_file", f"{file} cannot be used ({error}); put a copy of it back")
    else:
        if words := _shared(file, OTHERS_WRITE):
            yield _problem("recording.client_keys_file", words)


def _missing(source: HeaderSource, environ: Mapping[str, str]) -> str | None:
    match source:
        case FromText():
            return None
        case FromFile(path):
            return _unreadable(path)
        case FromEnvironment(variable):
            return None if environ.get(variable) else f"the variable {variable} is not set, or empty; set it"
        case _:
            assert_never(source)


def _certificates(settings: Settings) -> Iterator[Problem]:
    upstream, theirs = settings.upstream, ssl.create_default_context()
    for section, port in (("listen", settings.listen), ("metrics", settings.metrics)):
        if port.tls_cert is not None and port.tls_key is not None:
            ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            yield from _loads(f"{section}.tls_cert", ours.load_cert_chain, port.tls_cert, port.tls_key)
    if upstream.ca_file is not None:
        yield from _loads("upstream.ca_file", theirs.load_verify_locations, upstream.ca_file)
    if upstream.client_cert is not None:
        yield from _loads("upstream.client_cert", theirs.load_cert_chain, upstream.client_cert)


def _loads(key: str, load: Callable[..., None], *files: Path) -> Iterator[Problem]:
    absent = [words for file in files if (words := _unreadable(file))]
    if absent:
        yield from (_problem(key, words) for words in absent)
        return
    names = " and ".join(map(str, files))
    try:
        load(*files)
    except (ssl.SSLError, ValueError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            yield _problem(key, f"{names} do not belong together: the certificate was made for another key; put the right pair in place")
        else:
            yield _problem(key, f"{names}: no PEM certificate (with its key) in there; put the right file in place")


def _exposed(settings: Settings) -> Iterator[Problem]:
    for section, token_file in (("admin", settings.admin.token_file), ("metrics", settings.metrics.token_file)):
        if token_file is not None and not _unreadable(token_file) and (words := _shared(token_file, OTHERS_READ)):
            yield _problem(f"{section}.token_file", words)
    own = settings.metrics
    if own.port is not None and own.tls_cert is None and not is_loopback(own.host):
        yield _problem(
            "metrics.tls_cert", f"is not given, and other machines reach metrics.host ({own.host}): its token can be read in between"
        )


def _over(settings: Settings, now: datetime) -> Iterator[Problem]:
    """Yield the certificates of ours that are over, or not valid yet."""
    certificates = {
        "listen.tls_cert": settings.listen.tls_cert,
        "metrics.tls_cert": settings.metrics.tls_cert,
        "upstream.client_cert": settings.upstream.client_cert,
    }
    for key, file in certificates.items():
        if file is None or _unreadable(file):
            continue
        from cryptography.x509 import load_pem_x509_certificates

        try:
            certificate = load_pem_x509_certificates(file.read_bytes())[0]
        except (ValueError, IndexError):
            continue  # reported as a mistake
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begins <= now <= ends:
            when = f"is over since {ends:%Y-%m-%d %H:%M} UTC" if now > ends else f"is valid from {begins:%Y-%m-%d %H:%M} UTC on only"
            yield _problem(key, f"{file} {when}: nobody has to accept it. Get a new one, and see that this computer's clock is right")


def _reachable(settings: Settings) -> Iterator[Problem]:
    """Yield what it means that other machines reach the data port."""
    host, recording = settings.listen.host, settings.recording
    if is_loopback(host):
        return
    if settings.listen.tls_cert is None:
        yield _problem(
            "listen.tls_cert", f"is not given, and other machines reach listen.host ({host}): what they send can be read in between"
        )
    own = bool(settings.upstream.headers) or settings.upstream.oauth2 is not None
    if own and recording.client_keys_file is None:
        yield _problem(
            "recording.client_keys_file",
            f"is not given, and other machines reach listen.host ({host}): they are answered 401 unless they bring the upstream's own "
            "credential themselves. Name a file, then give each desk a key: dosekeeper clients add NAME",
        )


def _shared(file: Path, modes: int) -> str | None:
    if os.name == "nt" or not stat.S_IMODE(file.stat().st_mode) & modes:
        return None
    return f"{file} is open to other users of this computer; take that away with: chmod 600 {file}"


def _unreadable(file: Path) -> str | None:
    try:
        content = file.read_bytes()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}; put it in place, or correct the path"
    return None if content.strip() else f"{file} is empty; write the value into it"


def _not_text(file: Path) -> str | None:
    try:
        file.read_text("utf-8")
    except UnicodeDecodeError:
        return f"{file} is not text (UTF-8); write the token into it"
    return None


def _problem(key: str, message: str) -> Problem:
    return Problem(Place(), key, message)
