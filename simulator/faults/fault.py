"""What every fault is: a frozen set of options, and one thing that it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from simulator.exchange import Reply


class Visit(Protocol):
    """A request that is being served, as a fault sees it."""

    @property
    def left(self) -> bool:
        """Tell whether the client has gone."""
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

    def drop(self) -> None:
        """Close the connection without an answer."""
        ...

    def send_part(self, reply: Reply) -> None:
        """Send the head and half of the body of *reply*, then close the connection."""
        ...


class Line(Protocol):
    """The port that the server listens on, as a fault sees it."""

    async def cut(self) -> None:
        """Close the port and all its connections."""
        ...

    async def mend(self) -> None:
        """Undo one `cut`; after the last one the same port listens again."""
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
    """Strikes the port as a whole."""

    @abstractmethod
    async def begin(self, line: Line) -> None:
        """Take effect."""

    @abstractmethod
    async def end(self, line: Line) -> None:
        """Be lifted."""


Fault = RequestFault | LineFault
