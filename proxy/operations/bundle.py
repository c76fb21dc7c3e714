"""
What somebody who is asked for help by telephone wants to see of a centre: nothing personal, and no secret.

Everything is chosen by name. What is not named here is not in it, so that a new setting or a new column is left out until somebody
has thought about it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, assert_never

from proxy.document.fields import FromEnvironment, FromFile, FromText, HeaderSource
from proxy.operations import outages, status, versions
from proxy.operations.centre import Centre
from proxy.operations.recent_log import recent_lines
from proxy.operations.times import rfc3339
from proxy.settings import Settings

SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "centre": ("id", "number", "timezone", "hours"),
    "upstream": ("url", "connect_timeout", "read_timeout"),
    "listen": ("host", "port"),
    "admin": ("host", "port"),
    "metrics": ("host", "port"),
    "store": ("reserve",),
    "answering": ("answer_within", "body_max"),
    "outage": ("probe_every", "probe_max", "slow_after"),
    "replay": ("calls_per_minute", "concurrency_max", "spread_max", "settle", "look_up_after"),
    "reads": ("max_stale", "size_max"),
    "recording": ("trust_for", "loopback_trusted"),
    "privacy": ("keep_delivered",),
    "log": ("level", "format"),
}
"""Settings that are told as they are. Of all others only whether they are given."""

STATUS: Final = ("upstream", "service", "outage", "groups", "records", "oldest_unsent_at", "next_deadline_at", "past_deadline")
"""What of the status is told; an operator's words about a hold are not."""


async def facts(centre: Centre) -> dict[str, Any]:
    """Return what the journal and, where one runs, the service know."""
    whole = await status.status(centre)
    by_route = await centre.journal.counts_by_route()
    return {
        "status": {
            **{name: whole[name] for name in STATUS},
            "all_confirmed": whole["all_confirmed"],
            "restored": whole["restored"],
            "on_hold": whole["hold"] is not None,
            "at": rfc3339(centre.clock.wall()),
        },
        "records": [{"route": route, "state": state.value, "records": count} for route, state, count in by_route],
        "outages": await outages.listed(centre),
        "versions": await asyncio.to_thread(versions.installed),
        "log": recent_lines(),
    }


def masked(settings: Settings) -> dict[str, Any]:
    """Return the settings that give nothing away; of a header's value only where it comes from, of a file only whether it is given."""
    told = settings.model_dump(mode="json", include={name: set(keys) for name, keys in SECTIONS.items()})
    shipped = "/" not in settings.profile and "\\" not in settings.profile
    return {
        **told,
        "profile": settings.profile if shipped else "a file of the centre's own",
        "upstream": {**told["upstream"], "headers": {name: _source(value) for name, value in settings.upstream.headers.items()}},
        "given": sorted(
            f"{section}.{key}"
            for section, model in settings
            if section in SECTIONS
            for key, value in model
            if key not in SECTIONS[section] and value not in (None, "", {})
        ),
    }


def disk(settings: Settings) -> dict[str, Any]:
    """Return the sizes of the journal's files, and how much room there is; bytes."""
    journal = settings.store.path
    sizes = {end or "journal": _size(journal.with_name(journal.name + end)) for end in ("", "-wal", "-shm")}
    folder = next((place for place in (journal.parent, *journal.absolute().parents) if place.exists()), Path())
    return {"files": sizes, "free": shutil.disk_usage(folder).free, "reserve": settings.store.reserve}


def _source(value: HeaderSource) -> str:
    match value:
        case FromText():
            return "in the configuration"
        case FromFile():
            return "from a file"
        case FromEnvironment():
            return "from the environment"
        case _:
            assert_never(value)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
