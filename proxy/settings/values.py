"""Kinds of value that only the settings have: the upstream's URL, a time zone, a port, the name of a centre."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from proxy.document.fields import Whole, is_file_name, matching, rebased


def _http_url(url: str) -> str:
    # The URL may hold a password: no message repeats it.
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        message = "must be an http:// or https:// URL with a host, such as https://server.example/api"
    elif parts.username is not None:
        message = "must not hold a name or password; give credentials in upstream.headers"
    elif "?" in url or "#" in url:
        message = "must not hold a query or fragment; end it with the path"
    else:
        return url
    raise ValueError(message)


class HostPort(NamedTuple):
    """A host's name or address, and a TCP port."""

    host: str
    port: int


def _host_port(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or value != parts.netloc or "@" in value:
        message = "must be a host and a TCP port, such as 192.168.1.1:80"
        raise ValueError(message)
    return HostPort(host, port)


def _known_timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, zoneinfo.available_timezones(), n=1)
        message = f'"{name}" is no time zone; ' + (f'did you mean "{near[0]}"?' if near else "give one such as Asia/Kolkata")
        raise ValueError(message) from None
    return name


def _profile_from(name: str, info: ValidationInfo) -> str:
    return str(rebased(Path(name), info)) if is_file_name(name) else name


Port = Annotated[Whole, Field(ge=0, le=65_535)]
HostAndPort = Annotated[HostPort, BeforeValidator(_host_port)]
Text = Annotated[str, Field(min_length=1)]
CentreId = Annotated[str, AfterValidator(matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "letters, digits, dots and hyphens, at most 64"))]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
BaseUrl = Annotated[HttpUrl, AfterValidator(lambda url: url.rstrip("/"))]
Origin = Annotated[
    str,
    AfterValidator(
        matching(
            r"(?!https:.*:443$|http:.*:80$)[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)"
            r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?",
            "an origin as browsers write it: scheme and host in lower case, the port where it is not the usual one, no path; not `*`",
        )
    ),
]
TimeZone = Annotated[str, AfterValidator(_known_timezone)]
ProfileName = Annotated[Text, AfterValidator(_profile_from)]
