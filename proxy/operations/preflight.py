"""What must be right before a service starts, beyond the words of its configuration: files that are there, ports that are guarded."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import assert_never

from proxy.document import Place, Problem
from proxy.document.fields import FromEnvironment, FromFile, FromText, HeaderSource
from proxy.operations.loopback import is_loopback
from proxy.settings import Settings
from proxy.traffic.server import wire_problem


def problems(settings: Settings, environ: Mapping[str, str]) -> list[Problem]:
    """Return all that keeps a service from starting with *settings*; no value of a credential is repeated."""
    return [
        *settings.problems_off_loopback(),
        *_admin(settings),
        *_credentials(settings, environ),
        *_certificates(settings),
        *_wire(),
    ]


def _wire() -> Iterator[Problem]:
    if (why := wire_problem()) is not None:
        yield _problem("", why)


def _admin(settings: Settings) -> Iterator[Problem]:
    host, token_file = settings.admin.host, settings.admin.token_file
    if token_file is None:
        if not is_loopback(host):
            yield _problem(
                "admin.token_file",
                f"must be given, because admin.host ({host}) can be reached from other machines. "
                "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))' > admin.token",
            )
    elif unread := _unreadable(token_file):
        yield _problem("admin.token_file", unread)


def _credentials(settings: Settings, environ: Mapping[str, str]) -> Iterator[Problem]:
    for name, source in settings.upstream.headers.items():
        if missing := _missing(source, environ):
            yield _problem(f"upstream.headers.{name}", missing)


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
    listen, upstream = settings.listen, settings.upstream
    ours, theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    if listen.tls_cert is not None and listen.tls_key is not None:
        yield from _loads("listen.tls_cert", ours.load_cert_chain, listen.tls_cert, listen.tls_key)
    if upstream.ca_file is not None:
        yield from _loads("upstream.ca_file", theirs.load_verify_locations, upstream.ca_file)
    if upstream.client_cert is not None:
        yield from _loads("upstream.client_cert", theirs.load_cert_chain, upstream.client_cert)


def _loads(key: str, load: Callable[..., None], *files: Path) -> Iterator[Problem]:
    absent = [words for file in files if (words := _unreadable(file))]
    if absent:
        yield from (_problem(key, words) for words in absent)
        return
    try:
        load(*files)
    except (ssl.SSLError, ValueError):
        yield _problem(key, f"{' and '.join(map(str, files))}: no PEM certificate (with its key) in there; put the right file in place")


def _unreadable(file: Path) -> str | None:
    try:
        content = file.read_bytes()
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}; put it in place, or correct the path"
    return None if content.strip() else f"{file} is empty; write the value into it"


def _problem(key: str, message: str) -> Problem:
    return Problem(Place(), key, message)
