"""What every fault is: a frozen set of options, and one thing that it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from simulator.exchange import Reply


class Visit(Protocol):
    """A request that is being served, as a fault sees it."""

    @property
    def left(self) -> bool:
        """Tell whether the client has gone."""
        ...

    def field(self, name: str) -> str:
        """Return a field of the request's head, empty where there is none."""
        ...

    async def read(self) -> bytes:
        """Read the request's body, once, and return it."""
        ...

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until the fault that is striking is lifted, or for *seconds* at most."""
        ...

    async def work(self) -> Reply | None:
        """Let the next fault strike or, after the last, the server do what was asked."""
        ...

    def unauthenticated(self) -> Reply:
        """Return the server's own answer to a credential that is not accepted."""
        ...

    def reset(self) -> None:
        """Break the connection so that the client sees a reset."""
        ...

    def send(self, raw: bytes) -> None:
        """Send bytes as they are; nothing once the client has gone."""
        ...

    def drop(self, answered: Reply | None = None) -> None:
        """Close the connection after what was sent; *answered* is the answer that was sent whole, for the ledger."""
        ...


class Trouble(StrEnum):
    """What can be wrong with the port."""

    CUT = "cut"
    STALLED = "stalled"
    RESET = "reset"
    EXPIRED = "expired"
    UNTRUSTED = "untrusted"
    WRONG_HOST = "wrong host"


FLAWS: Final = frozenset({Trouble.EXPIRED, Trouble.UNTRUSTED, Trouble.WRONG_HOST})
"""Those of a certificate."""


class Line(Protocol):
    """The port that the server listens on, as a fault sees it."""

    async def begin(self, trouble: Trouble) -> None:
        """Break all connections, and treat new ones so; ValueError if this port cannot have that trouble."""
        ...

    async def end(self, trouble: Trouble) -> None:
        """Undo one `begin`."""
        ...


class Options(BaseModel, ABC):
    """The options of a fault are its fields; what is not one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RequestFault(Options):
    """Strikes single requests."""

    @abstractmethod
    async def strike(self, visit: Visit) -> Reply | None:
        """Serve *visit* in the fault's way, and return the answer to send; None if the connection was dealt with."""


class LineFault(Options):
    """Strikes the port as a whole, as long as it is raised."""

    @property
    @abstractmethod
    def trouble(self) -> Trouble:
        """What the line does."""


Fault = RequestFault | LineFault
