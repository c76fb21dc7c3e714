"""What is said of a metric, once: for the scrape and for docs/metrics.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "dosekeeper_"

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Described:
    """
    One metric by its name in DESIGN §9, without the prefix.

    `meaning` is its help text, `use` what to do with it, `labels` the names of its labels.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    use: str

    @property
    def full_name(self) -> str:
        """The name on the wire, with the prefix and the ending of its kind."""
        return PREFIX + self.name

    @property
    def family(self) -> str:
        """The name as the client library wants it: it adds the ending of the kind by itself."""
        ending = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return self.full_name.removesuffix(ending)


def by_name(*described: Described) -> dict[str, Described]:
    """Return *described* by their names."""
    return {each.name: each for each in described}
