"""What a scenario file may say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationInfo, field_validator, model_validator

from simulator.cowin.register import Rules
from simulator.faults.fault import FLAWS, LineFault
from simulator.faults.order import Order, in_words, made
from simulator.faults.scope import Scope
from simulator.scenario.times import Duration, SinceStart, TimeOfDay, clock_s

EVERYTHING: Final = Scope()


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Raise(Order):
    """A fault to be raised; it is lifted after `for`, by its name (`as`, or the fault's own), or at the end."""

    label: str | None = Field(None, alias="as", min_length=1)
    lasts_s: Duration | None = Field(None, alias="for")

    @property
    def name(self) -> str:
        """By which it is lifted."""
        return self.label or self.fault

    @field_validator("fault")
    @classmethod
    def _known(cls, name: str) -> str:
        _tried(name, {})
        return name

    @field_validator("options")
    @classmethod
    def _fitting(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "fault" in info.data:
            _tried(info.data["fault"], options)
        return options

    @model_validator(mode="after")
    def _limited(self) -> Self:
        _tried(self.fault, self.options, self.scope)
        return self


def _tried(name: str, options: dict[str, Any], scope: Scope = EVERYTHING) -> None:
    """Make the fault; ValueError, in one line, where that is not possible."""
    try:
        made(name, options, scope)
    except ValueError as error:
        raise ValueError(in_words(error)) from None


class Step(_Section):
    """
    What happens at one moment, or `repeat` times, `every` so often.

    First faults are lifted, then rules change, then faults are raised.
    """

    at_s: SinceStart = Field(alias="at")
    say: str = ""
    lift: tuple[str, ...] | Literal["all"] = ()
    rules: Rules | None = None
    raises: tuple[Raise, ...] = Field((), alias="raise")
    every_s: Duration | None = Field(None, alias="every")
    repeat: PositiveInt = 1

    @field_validator("lift")
    @classmethod
    def _raised_somewhere(cls, lift: tuple[str, ...] | str, info: ValidationInfo) -> tuple[str, ...] | str:
        known = (info.context or {}).get("names", set())
        if lift != "all" and (unknown := [name for name in lift if name not in known]):
            raise ValueError(f"nothing is raised as {', '.join(unknown)}; raised are: {', '.join(sorted(known)) or 'no faults'}")
        return lift

    @model_validator(mode="after")
    def _repeated(self) -> Self:
        if (self.repeat > 1) != (self.every_s is not None):
            raise ValueError("every and repeat belong together: every: 90s, repeat: 10")
        return self


class Scenario(_Section):
    """A day of the national server; at `ends_at` all faults are lifted."""

    scenario: str = Field(min_length=1)
    about: str = Field(min_length=1)
    starts_s: TimeOfDay | None = Field(None, alias="starts_at")
    ends_s: SinceStart = Field(alias="ends_at")
    steps: tuple[Step, ...]

    @property
    def needs_tls(self) -> bool:
        """Whether it can be played on a TLS port only."""
        faults = (made(order.fault, order.options, order.scope) for step in self.steps for order in step.raises)
        return any(isinstance(fault, LineFault) and fault.trouble in FLAWS for fault in faults)

    @model_validator(mode="before")
    @classmethod
    def _known_throughout(cls, data: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - whatever was written there
        """Note what the parts have to know of the whole, so that each mistake is found where it stands."""
        if isinstance(data, dict) and info.context is not None:
            info.context["starts_s"] = clock_s(data.get("starts_at"))
            info.context["names"] = set(_names(data))
        return data

    @model_validator(mode="after")
    def _within(self) -> Self:
        if not self.steps:
            raise ValueError("has no steps, so nothing happens")
        late = [step.say or f"steps[{index}]" for index, step in enumerate(self.steps) if step.at_s > self.ends_s]
        if late:
            raise ValueError(f"begins after ends_at: {'; '.join(late)}")
        return self


def _names(data: dict[str, Any]) -> Iterator[str]:
    """Yield the names under which faults are raised, in a document that may be wrong in any way."""
    steps = data.get("steps")
    for step in steps if isinstance(steps, list) else ():
        orders = step.get("raise") if isinstance(step, dict) else None
        for order in orders if isinstance(orders, list) else ():
            if isinstance(order, dict):
                yield str(order.get("as") or order.get("fault"))
