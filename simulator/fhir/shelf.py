"""What the server knows: every version of every resource, who may call, and its operator's rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from simulator.fhir.outcomes import Resource, not_found
from simulator.fhir.times import instant

ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")

Key = tuple[str, str]
"""Type and id."""


class Rules(BaseModel):
    """
    What an operator of the simulator may change while it runs.

    `refused_batches` are lot numbers that are refused. A search, that of a conditional create too, finds what was stored
    `index_lag_ms` ago or earlier: with a lag two creates at once both find nothing, as happens with real servers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    refused_batches: frozenset[str] = frozenset()
    index_lag_ms: NonNegativeInt = 0


@dataclass(slots=True)
class Shelf:
    """The server's whole state; `versions` oldest first, `stored_at` the first of them, wall-clock milliseconds UTC."""

    draw: Random
    rules: Rules = field(default_factory=Rules)
    keys: set[str] = field(default_factory=lambda: {"demo-key"})
    versions: dict[Key, list[Resource]] = field(default_factory=dict)
    stored_at: dict[Key, int] = field(default_factory=dict)

    def new_id(self, kind: str) -> str:
        """Return a free id: digits, as servers give them out."""
        while (kind, id_ := str(self.draw.randrange(10**5, 10**9))) in self.versions:
            pass
        return id_

    def current(self, kind: str, id_: str) -> Resource:
        """Return the latest version, or refuse."""
        versions = self.versions.get((kind, id_))
        if not versions:
            raise not_found(f"{kind}/{id_}")
        return versions[-1]

    def has(self, kind: str, id_: str) -> bool:
        """Whether there is such a resource."""
        return bool(self.versions.get((kind, id_)))

    def put(self, kind: str, id_: str, resource: Resource, at: int) -> Resource:
        """Store a version of a resource, and return it as stored."""
        versions = self.versions.setdefault((kind, id_), [])
        meta = {**(resource.get("meta") or {}), "versionId": str(len(versions) + 1), "lastUpdated": instant(at)}
        stored = {**resource, "id": id_, "meta": meta}
        versions.append(stored)
        self.stored_at.setdefault((kind, id_), at)
        return stored

    def all_of(self, kind: str, at: int) -> Iterator[Resource]:
        """Yield the latest version of each resource of *kind* that a search at that time finds."""
        for key, versions in self.versions.items():
            if key[0] == kind and versions and self.stored_at[key] <= at - self.rules.index_lag_ms:
                yield versions[-1]

    def kept(self) -> tuple[dict[Key, list[Resource]], dict[Key, int]]:
        """Return a copy of the state, to come back to."""
        return {key: list(versions) for key, versions in self.versions.items()}, dict(self.stored_at)

    def restore(self, kept: tuple[dict[Key, list[Resource]], dict[Key, int]]) -> None:
        """Come back to a state that was kept."""
        self.versions, self.stored_at = kept
