"""The running service, asked through its admin port. Standard library only: a command answers at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from proxy.cli.failing import Failed
from proxy.operations.identity import journal_identity
from proxy.operations.places import JOURNAL_FIELD, PLACES

if TYPE_CHECKING:
    from proxy.settings import Settings

T = TypeVar("T")

KNOCK_S: Final = 2.0
METRICS_S: Final = 15.0
"""Longer than the service tries to read its journal for a scrape."""

EVERYWHERE: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a service may listen on
"""The address at which a port that listens everywhere is reached from here."""


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin port of the service that has our journal."""

    origin: str
    token: str | None

    def ask(self, name: str, asked: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """
        Return what the operation *name* answers.

        Raises:
            Failed: the service refused, or it does not answer any more.
        """
        return self._answer(self._request(name, asked), PLACES[name].answer_s, json.load)

    def metrics(self) -> str:
        """Return the metrics in Prometheus's text format. Raises as `ask`."""
        return self._answer(self._signed("/metrics", None), METRICS_S, lambda answer: answer.read().decode())

    def _answer(self, request: Request, within_s: float, read: Callable[[IO[bytes]], T]) -> T:
        try:
            with _opener().open(request, timeout=within_s) as answer:
                return read(answer)
        except HTTPError as error:
            with error:
                raise Failed(_refusal(error)) from None
        except (OSError, HTTPException, ValueError):
            raise Failed(f"The service at {self.origin} does not answer any more. See its log, then try again.") from None

    def _request(self, name: str, asked: Mapping[str, object]) -> Request:
        place = PLACES[name]
        given = {member: value for member, value in asked.items() if value not in (None, ())}
        path = place.path
        if "{key}" in path:
            path = path.format(key=quote(str(given.pop("key")), safe=""))
        if place.method == "POST":
            return self._signed(path, json.dumps(given).encode())
        return self._signed(f"{path}?{urlencode(given, doseq=True)}" if given else path, None)

    def _signed(self, path: str, body: bytes | None) -> Request:
        request = Request(self.origin + path, body)  # noqa: S310 - the origin is http://, made above
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        return request


def running_service(settings: Settings) -> Admin | None:
    """Return the admin port of the service that has the settings' journal; None where none answers, or another journal's does."""
    admin = settings.admin
    host = EVERYWHERE.get(admin.host, admin.host)
    origin = f"http://[{host}]:{admin.port}" if ":" in host else f"http://{host}:{admin.port}"
    try:
        with _opener().open(f"{origin}/healthz", timeout=KNOCK_S) as answer:
            found = answer.headers.get(JOURNAL_FIELD)
    except (URLError, OSError, HTTPException):
        return None
    if not found or found != journal_identity(settings.store.path):
        return None
    return Admin(origin, None if admin.token_file is None else _token(settings))


def _token(settings: Settings) -> str:
    try:
        return settings.admin.token_file.read_text("utf-8").strip() if settings.admin.token_file else ""
    except OSError as error:
        raise Failed(f"admin.token_file cannot be read: {error.strerror}. Run this as the user that the service runs as.") from None


def _opener() -> OpenerDirector:
    # The admin port is on this machine: a proxy from the environment has no business in between.
    return build_opener(ProxyHandler({}))


def _refusal(error: HTTPError) -> str:
    if error.code == HTTPStatus.UNAUTHORIZED:
        return (
            "The service asks for the token in its admin.token_file. Run this with the configuration that the service runs with: --config"
        )
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The service refused with status {error.code}. See its log."
