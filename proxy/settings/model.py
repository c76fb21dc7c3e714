"""
The settings as values: durations are seconds, sizes are bytes, paths start at the folder of `config.yaml`.

What each key is for stands in `config.yaml`, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_address
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from proxy.document import Place, Problem, Section
from proxy.document.fields import Duration, FieldName, FilePath, HeaderSource, PositiveDuration, Size, Whole, seconds, size
from proxy.document.problems import Finding, Mistakes
from proxy.settings.hours import Hours
from proxy.settings.values import BaseUrl, CentreId, HttpUrl, Port, ProfileName, Text, TimeZone

DEFAULT_CENTRE_ID: Final = "centre-1"


def _on_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Centre(Section):
    """The place this sidecar stands in."""

    id: CentreId = DEFAULT_CENTRE_ID
    name: str = ""
    number: Annotated[Whole, Field(ge=0, le=999_999)] = 0
    timezone: TimeZone = "Asia/Kolkata"
    hours: Hours | None = None


class OAuth2(Section):
    """The sidecar's own log-in by OAuth2 client credentials (RFC 6749 §4.4): with a secret, or with a signed assertion (RFC 7523)."""

    token_url: HttpUrl
    client_id: Text
    client_secret: HeaderSource | None = None
    client_auth: Literal["basic", "post"] = "basic"
    private_key_file: FilePath | None = None
    key_id: Text | None = None
    audience: Text | None = None
    scope: Text | None = None

    @model_validator(mode="after")
    def _has_one_proof(self) -> Self:
        if (self.client_secret is None) == (self.private_key_file is None):
            raise Mistakes([(("client_secret",), "must be given, or private_key_file instead: one of the two")])
        if not self.token_url.startswith("https://") and not _on_loopback(self.token_url):
            raise Mistakes([(("token_url",), "must be an https:// URL: what is sent there is a secret")])
        return self


class Upstream(Section):
    """The national server, and how to reach it."""

    url: BaseUrl = "http://127.0.0.1:8490/api"
    headers: Mapping[FieldName, HeaderSource] = {}
    oauth2: OAuth2 | None = None
    connect_timeout: PositiveDuration = seconds("3s")
    read_timeout: PositiveDuration = seconds("30s")
    ca_file: FilePath | None = None
    client_cert: FilePath | None = None

    @property
    def on_loopback(self) -> bool:
        """Whether the upstream is on this machine, as far as its name says."""
        return _on_loopback(self.url)

    @model_validator(mode="after")
    def _one_log_in(self) -> Self:
        twice = [name for name in self.headers if self.oauth2 is not None and name.lower() == "authorization"]
        Mistakes.raise_any((("headers", name), "is what oauth2 gives; leave one of the two out") for name in twice)
        return self


class Certified(Section):
    """A port that may have a certificate."""

    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None

    @model_validator(mode="after")
    def _tls_in_pairs(self) -> Self:
        if self.tls_key is not None and self.tls_cert is None:
            raise Mistakes([(("tls_cert",), "must be given with tls_key")])
        if self.tls_cert is not None and self.tls_key is None:
            raise Mistakes([(("tls_key",), "must be given with tls_cert")])
        return self


class Listen(Certified):
    """The data port, where the desks' software connects."""

    host: Text = "127.0.0.1"
    port: Port = 8480


class Admin(Section):
    """The admin port: console, API, metrics."""

    host: Text = "127.0.0.1"
    port: Port = 8481
    token_file: FilePath | None = None


class MetricsPort(Certified):
    """A port of its own for who scrapes the metrics, and is to see and do nothing else; None: there is none."""

    host: Text = "127.0.0.1"
    port: Port | None = None
    token_file: FilePath | None = None


class Store(Section):
    """The journal on disk; `reserve` is what is kept free for it, in bytes."""

    # A default is validated too, so that it starts at the same folder as a path that is written down.
    path: FilePath = Field(default=Path("data/journal.db"), validate_default=True)
    key_file: FilePath = Field(default=Path("data/journal.key"), validate_default=True)
    reserve: Size = size("64MiB")


class Answering(Section):
    """What a desk may count on."""

    answer_within: PositiveDuration = seconds("3s")
    body_max: Annotated[Size, Field(gt=0)] = size("1MiB")


class Outage(Section):
    """How an outage and its end are noticed."""

    probe_every: PositiveDuration = seconds("2s")
    probe_max: PositiveDuration = seconds("15s")
    probe_idle: PositiveDuration = seconds("5m")
    slow_after: PositiveDuration = seconds("10s")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.probe_max < self.probe_every:
            raise Mistakes([(("probe_max",), "must not be less than probe_every")])
        return self


class Replay(Section):
    """How the backlog is sent; None stands for the profile's own figure."""

    calls_per_minute: Annotated[Whole, Field(ge=1)] | None = None
    concurrency_max: Annotated[Whole, Field(ge=1)] = 8
    spread_max: Duration = seconds("15m")
    settle: Duration | None = None
    look_up_after: Duration = seconds("12h")


class Reads(Section):
    """What is remembered of the upstream's answers."""

    max_stale: Duration = seconds("24h")
    size_max: Size = size("200MiB")


class Recording(Section):
    """Who may record while the upstream cannot vouch for anybody."""

    trust_for: Duration = seconds("12h")
    loopback_trusted: bool = True
    client_keys_file: FilePath | None = None
    jwks_url: HttpUrl | None = None
    token_issuer: Text | None = None
    token_audience: Text | None = None

    @model_validator(mode="after")
    def _whose_tokens(self) -> Self:
        if self.jwks_url is not None and not self.jwks_url.startswith("https://") and not _on_loopback(self.jwks_url):
            raise Mistakes([(("jwks_url",), "must be an https:// URL: who can alter it decides who may record")])
        return self


class Privacy(Section):
    """How long personal data is kept."""

    keep_delivered: Duration = seconds("30d")


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line of the log is written."""

    JSON = "json"
    TEXT = "text"


class Log(Section):
    """The log."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.JSON


class Settings(Section):
    """All settings; `profile` is a shipped profile's name, or the path of a file."""

    centre: Centre = Centre()
    upstream: Upstream = Upstream()
    profile: ProfileName = "cowin-vaccinator"
    listen: Listen = Listen()
    admin: Admin = Admin()
    metrics: MetricsPort = MetricsPort()
    store: Store = Store()
    answering: Answering = Answering()
    outage: Outage = Outage()
    replay: Replay = Replay()
    reads: Reads = Reads()
    recording: Recording = Recording()
    privacy: Privacy = Privacy()
    log: Log = Log()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Mistakes.raise_any(self._conflicts())
        return self

    def _conflicts(self) -> Iterator[Finding]:
        ports: dict[str, Listen | Admin | MetricsPort] = {"listen": self.listen, "admin": self.admin, "metrics": self.metrics}
        for (one, first), (other, second) in combinations(ports.items(), 2):
            if first.port == second.port and first.port and first.host == second.host:
                yield (other, "port"), f"must not be {one}.port ({first.port}); give it another"
        if self.store.path == self.store.key_file:
            yield ("store", "key_file"), "must not be store.path; the key is a file of its own"

    def problems_off_loopback(self) -> tuple[Problem, ...]:
        """
        Return what may stand while the upstream is on this machine and must not otherwise.

        `check` and `serve` refuse to go on with any; the other commands do not ask.
        """
        if self.upstream.on_loopback or self.centre.id != DEFAULT_CENTRE_ID:
            return ()
        message = (
            f'is still the default "{DEFAULT_CENTRE_ID}", and the upstream is not on this machine; two centres of one name '
            "cannot be told apart. Give this centre its own, in config.yaml or as DOSEKEEPER_CENTRE__ID"
        )
        return (Problem(Place(), "centre.id", message),)
