"""A mistake in a document: where it stands, what is wrong, what was probably meant."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

KeyPath = tuple[str | int, ...]
"""The way to a value: names of members, indices of items."""

Finding = tuple[KeyPath, str]
"""A mistake: where, and what, in plain words."""

_CLOSE: Final = 0.5
"""difflib's ratio from which a word is taken for a misspelling: it finds `port` in `prot`, and nothing in `xyz`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a file and a line (from 1), or the name of an environment variable."""

    source: str = ""
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, in plain words; *key* is dotted, and empty where the whole document is meant."""

    place: Place
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.key, self.message) if part)


class DocumentError(Exception):
    """A document cannot be used; its text is one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep *problems* in the order of their lines; those of no line (the environment's) come last."""
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.place.line is None, problem.place.line or 0)))
        super().__init__("\n".join(map(str, self.problems)))


class Mistakes(ValueError):
    """What a model's validator raises that has found one mistake or more; their paths start at that model."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(f"{dotted(path)}: {message}" for path, message in self.findings))

    @classmethod
    def raise_any(cls, findings: Iterable[Finding]) -> None:
        """Raise if there is any."""
        if found := tuple(findings):
            raise cls(found)


def dotted(path: KeyPath) -> str:
    """Write *path* as people do: `routes[3].lane`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def meant(word: str, valid: Iterable[str], taken: Container[str] = ()) -> str:
    """Say which of *valid* was probably meant by *word*, of two equally near the one that is not *taken*; or list them all."""
    choices = list(valid)
    nearest = max(choices, key=lambda choice: (_likeness(word, choice), choice not in taken), default="")
    if _likeness(word, nearest) >= _CLOSE:
        return f'did you mean "{nearest}"?'
    return f"valid here: {', '.join(choices)}"


def _likeness(word: str, other: str) -> float:
    return SequenceMatcher(None, other, word).ratio()
