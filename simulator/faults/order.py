"""An order to raise a fault, and the fault that it makes."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import Field, ValidationError

from simulator.faults.catalogue import FAULTS
from simulator.faults.fault import Fault, LineFault
from simulator.faults.scope import Scope


class Order(Scope):
    """A fault by name, its options, and which requests it is to strike."""

    fault: str
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Which requests it is to strike."""
        return Scope(routes=self.routes, share=self.share, match=self.match, times=self.times)


def made(name: str, options: dict[str, Any], scope: Scope) -> Fault:
    """
    Return the fault called *name*.

    Raises:
        ValueError: There is no such fault or option, or it cannot be limited so.
    """
    if name not in FAULTS:
        near = get_close_matches(name, FAULTS, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"There is no fault {name!r}.{hint} The faults are: {', '.join(FAULTS)}.")
    fault = FAULTS[name].model_validate(options)
    if isinstance(fault, LineFault) and scope != Scope():
        raise ValueError(f"{name} strikes the whole port: it takes no routes, share, match or times")
    return fault


def in_words(error: ValueError) -> str:
    """Return what is wrong, in one line; where a model found it, member by member."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(": ".join(filter(None, (".".join(map(str, line["loc"])), line["msg"]))) for line in error.errors())
