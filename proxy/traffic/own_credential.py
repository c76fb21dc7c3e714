"""The sidecar's own credential: fields that go with every send, probe and look-up, and whether the upstream takes them."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from proxy.document.fields import HeaderSource
from proxy.rules.outcome import OutcomeKind
from proxy.rules.wire import Fields, first
from proxy.settings.model import Upstream
from proxy.traffic.clock import Clock
from proxy.traffic.sources import read_now
from proxy.traffic.upstream import Upstream as Door

if TYPE_CHECKING:  # it takes 10 MB of memory, and is needed only where there is `oauth2`
    from proxy.traffic.token_source import TokenSource

log = logging.getLogger(__name__)

CARRIES_TOKEN: Final = b"authorization"

REFUSED: Final = "the national server refuses it"


@dataclass(slots=True)
class OwnCredential:
    """
    Fields of the configuration, and a token where there is a source of tokens.

    Whether it is good is what the upstream said last, of a call and of a probe; `told` hears of it.
    """

    headers: Mapping[str, HeaderSource]
    tokens: TokenSource | None = None
    told: Callable[[OwnCredential], None] = lambda _: None
    _last: dict[str, bytes] = field(default_factory=dict, repr=False)
    _refused: set[str] = field(default_factory=set)

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        return bool(self.headers) or self.tokens is not None

    @property
    def names(self) -> frozenset[bytes]:
        """Return the fields that it fills, lower case; a client's of these names go no further."""
        token = frozenset() if self.tokens is None else frozenset({CARRIES_TOKEN})
        return token | {name.lower().encode() for name in self.headers}

    @property
    def missing(self) -> bool:
        """Whether there is no token although there should be: nothing can be sent meanwhile."""
        return self.tokens is not None and self.tokens.token() is None

    @property
    def wrong(self) -> str | None:
        """Return what is wrong with it, for a person; None while nothing is known to be."""
        if self.missing:
            return (self.tokens.why if self.tokens else None) or "its token is being fetched"
        return REFUSED if self._refused else None

    def fields(self) -> Fields:
        """
        Return the fields, read now: a file that was changed counts from the next send on.

        Of one that cannot be read, or is no field value, the last value that could; nothing if there was none.
        """
        for name, source in self.headers.items():
            try:
                self._last[name] = read_now(source).encode("latin-1")
            except (OSError, ValueError) as error:
                log.error(  # noqa: TRY400 - the error's text may hold the credential
                    "own credential cannot be read, the last one is used",
                    extra={"action": "credential_unread", "field": name, "error": type(error).__name__},
                )
        token = None if self.tokens is None else self.tokens.token()
        bearer = () if token is None else ((CARRIES_TOKEN, f"Bearer {token}".encode()),)
        return (*((name.encode(), value) for name, value in self._last.items()), *bearer)

    def brought_by(self, fields: Fields) -> bool:
        """Whether a client's *fields* hold the very values of `headers`: whoever knows them needs no leave of ours to use them."""
        if any(first(fields, name.lower().encode()) is None for name in self.headers):
            return False  # and nothing need be read
        own = {name.lower(): value for name, value in self.fields() if name.decode() in self.headers}
        same = [hmac.compare_digest((first(fields, name) or "").encode("latin-1"), value) for name, value in own.items()]
        return bool(same) and all(same) and len(same) == len(self.headers) and all(own.values())

    def judged(self, kind: OutcomeKind, asked: str) -> None:
        """Take what the upstream said of it to a `call` or a `probe`; a good probe takes back only what a probe said: it may need none."""
        if kind is OutcomeKind.AUTH:
            self._refused.add(asked)
            if self.tokens is not None:
                self.tokens.refused()
        elif kind in (OutcomeKind.ACCEPTED, OutcomeKind.ALREADY_RECORDED):
            self._refused -= {asked} if asked == "probe" else {"probe", "call"}
        self.tell()

    def tell(self) -> None:
        """Say that something about it may have changed."""
        self.told(self)

    def sources(self) -> tuple[TokenSource, ...]:
        """Return what has to be kept running for it."""
        return () if self.tokens is None else (self.tokens,)


def own_credential(
    settings: Upstream,
    door: Door,
    clock: Clock,
    told: Callable[[OwnCredential], None] = lambda _: None,
    wall: Callable[[], int] | None = None,
) -> OwnCredential:
    """
    Return the credential that *settings* describe.

    *told* is called when something about it may have changed; *wall* is the best that is known of the time, None for the clock's word.
    """
    own = OwnCredential(settings.headers, told=told)
    if settings.oauth2 is not None:
        from proxy.traffic.token_source import TokenSource

        own.tokens = TokenSource(settings.oauth2, door, clock, wall or clock.wall, own.tell)
        own.tell()
    return own
