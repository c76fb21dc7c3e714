"""A memory that does not grow: what was noted longest ago is forgotten first."""

from __future__ import annotations

from typing import Final, TypeVar

KEPT_MAX: Final = 1_000
"""Records of which something is remembered at once: more than a centre has in trouble on its worst day."""

K = TypeVar("K")
V = TypeVar("V")


class Latest(dict[K, V]):
    """The latest notes, one for each key, `KEPT_MAX` at most."""

    def note(self, key: K, value: V) -> V | None:
        """Note *value* as the latest; where there are too many, forget the oldest and return it."""
        self.pop(key, None)
        self[key] = value
        return self.pop(next(iter(self))) if len(self) > KEPT_MAX else None
