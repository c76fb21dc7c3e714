"""How a replay gets on, for people: one line that moves on a terminal, a line for each change where the output is piped."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

WAITS_FOR: Final[Mapping[str, str]] = {
    "ready": "are on their way",
    "sending": "are being sent",
    "starting": "wait for this centre's turn, now that the server comes back",
    "backing-off": "are tried again soon",
    "server-down": "wait for the national server, which is down; a running service sends them when it is back",
    "hold": "wait for the operator's hold to end. End it: dosekeeper release",
    "credential": "wait for the sidecar's own token, which is not to be had. See why: dosekeeper check",
    "log-in": "wait for a log-in at the desk they came from, with the service running",
    "look-up-fails": "wait for their look-up, in which the server fails again and again. Which they are: dosekeeper status",
    "undecided": "wait for a decision, as the server may have them. See them: dosekeeper records list --state unknown",
    "held": "are held, and are tried again: looked up first where the server may have them",
    "behind": "wait behind an older record of the same person",
}
"""What the records of each reason (`proxy.operations.waiting.Why`) do."""


@dataclass(slots=True)
class ProgressLine:
    """The line; `moves`: it is drawn over itself."""

    moves: bool
    _shown: str = ""

    @classmethod
    def on_stdout(cls) -> ProgressLine:
        """Return a line for standard output as it is."""
        return cls(sys.stdout.isatty())

    def show(self, found: Mapping[str, Any]) -> None:
        """Show how the replay stands, where that has changed."""
        text = _line(found)
        if text == self._shown:
            return
        if self.moves:
            click.echo("\r" + text.ljust(len(self._shown)), nl=False)
        else:
            click.echo(text)
        self._shown = text

    def end(self) -> None:
        """Leave the line as it stands."""
        if self.moves and self._shown:
            click.echo()


def _line(found: Mapping[str, Any]) -> str:
    waiting = sum(found["waiting"].values())
    held = found["states"]["held"]
    return f"{found['states']['delivered']} of {found['chosen']} delivered, {waiting} waiting" + (f", {held} held" if held else "")


def summary(found: Mapping[str, Any]) -> list[str]:
    """Return what became of the chosen records but those delivered, which the line has told; with what to do about it."""
    states = found["states"]
    lines = []
    if states["refused"]:
        lines.append(f"Refused by the server and passed by: {states['refused']}. See them: dosekeeper records list --state refused")
    if states["held"]:
        lines.append(f"Held for a person: {states['held']}. See them: dosekeeper records list --state held")
    lines += [f"{count} {WAITS_FOR[reason]}" for reason, count in found["waiting"].items()]
    return lines


def complete(found: Mapping[str, Any]) -> bool:
    """Whether nothing of what was chosen is left to anybody."""
    return not found["waiting"] and not found["states"]["held"]
