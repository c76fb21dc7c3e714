"""Which requests a fault strikes."""

from __future__ import annotations

import re
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class Scope(BaseModel):
    """
    The requests a fault is meant for; by default all.

    `routes` are paths in which `*` stands for one segment and `**` for any rest; `match` is a text (a batch, a beneficiary id) that
    the target or the body must contain; `share` of these are struck, by chance; `times` is how many are struck at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: tuple[str, ...] = Field(("/**",), min_length=1)
    share: float = Field(1.0, gt=0, le=1)
    match: str | None = Field(None, min_length=1)
    times: PositiveInt | None = None

    def covers(self, path: str) -> bool:
        """Tell whether *path*, decoded and without the query, is on one of the routes."""
        return any(_pattern(route).fullmatch(path) for route in self.routes)


@lru_cache(maxsize=256)
def _pattern(route: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*)", route)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))
