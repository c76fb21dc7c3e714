"""What Prometheus is told of the centres that are played: where to scrape them, and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from simulator.demo.sidecar import Sidecar

DISTRICT: Final = "Udham Singh Nagar"


def scraped(sidecars: Sequence[Sidecar]) -> list[dict[str, Any]]:
    """Return an entry a centre, in the form of Prometheus' file_sd."""
    return [
        {
            "targets": [one.admin.removeprefix("http://")],
            "labels": {"centre": one.centre.id, "block": one.centre.name, "district": DISTRICT},
        }
        for one in sidecars
    ]
