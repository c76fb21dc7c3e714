"""Measures recording and passing on under full load: the service against the shortest programs that do part of its work."""

from __future__ import annotations

import sqlite3
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.figures import Figure, compared
from bench.stage import Load, Process, free_port, load, redis, sidecar, until_down, yardstick

CONNECTIONS: Final = 32
SECONDS: Final = 3
GENDERS: Final = "/api/v2/registration/beneficiary/genders"
PASSED: Final = "/api/v2/of/no/route"
"""What no route of the profile describes is passed on; a look-up is remembered and looked through besides."""

FROM_PYTHON: Final = ", load from Python"


def measure(folder: Path, rounds: int) -> list[Figure]:
    """Return what it is worth: in requests a second, and in processor time of the server for one request."""
    with ExitStack() as stack:
        enter = stack.enter_context
        upstream = enter(yardstick("upstream"))
        bare, proxy = enter(yardstick("bare")), enter(yardstick("proxy", upstream.port))
        down, up = enter(sidecar(folder / "down", free_port())), enter(sidecar(folder / "up", upstream.port))
        until_down(down)
        turns: dict[str, tuple[Process, str, bool]] = {
            "bare": (bare, GENDERS, True),
            "down": (down, "", True),
            "proxied reads": (proxy, GENDERS, False),
            "passed": (up, PASSED, False),
            "reads": (up, GENDERS, False),
            "proxied writes": (proxy, "", True),
            "up": (up, "", True),
        }
        try:
            behind = enter(redis(folder / "redis"))
            turns["redis"] = (enter(yardstick("redis", behind.port)), "", True)
        except FileNotFoundError:
            print("redis-server is not installed: left out")
        seen: dict[str, list[Load]] = {name: [] for name in turns}
        tried = ["bare", "down", "proxied reads", "passed", "proxied writes", "up"]
        seen |= {name + FROM_PYTHON: [] for name in tried}
        raw: list[float] = []
        for _ in range(rounds):
            for name, (server, path, doses) in turns.items():
                seen[name].append(load(server, CONNECTIONS, SECONDS, path, doses=doses))
            for name in tried:
                server, path, doses = turns[name]
                seen[name + FROM_PYTHON].append(load(server, CONNECTIONS, SECONDS, path, doses=doses, python=True))
            raw.append(group_commits_per_s(folder / "raw.db"))
    return _figures(seen, raw)


def _figures(seen: dict[str, list[Load]], raw: list[float]) -> list[Figure]:
    def rates(ours: str, theirs: str) -> list[tuple[float, float]]:
        return [(one.per_s, other.per_s) for one, other in zip(seen[ours], seen[theirs], strict=True)]

    def costs(ours: str, theirs: str) -> list[tuple[float, float]]:
        return [(one.cpu_us, other.cpu_us) for one, other in zip(seen[ours], seen[theirs], strict=True)]

    figures = [
        *(
            compared(name + load, "/s", rates(ours + load, theirs + load), yardstick, wanted)
            for load in ("", FROM_PYTHON)
            for name, ours, theirs, yardstick, wanted in (
                ("recording while down", "down", "bare", "bare handler", 0.40),
                ("pass-through", "passed", "proxied reads", "minimal proxy", 0.90),
                ("recording while up", "up", "proxied writes", "minimal proxy", 0.45),
            )
        ),
        compared("look-up, remembered", "/s", rates("reads", "proxied reads"), "minimal proxy", None),
        compared("recording while down, processor time", "us", costs("down", "bare"), "bare handler", None),
        compared("pass-through, processor time", "us", costs("passed", "proxied reads"), "minimal proxy", None),
        compared("look-up, remembered, processor time", "us", costs("reads", "proxied reads"), "minimal proxy", None),
        compared("recording while up, processor time", "us", costs("up", "proxied writes"), "minimal proxy", None),
        compared(
            "recording while down", "/s", [(one.per_s, rows) for one, rows in zip(seen["down"], raw, strict=True)], "raw group commit", None
        ),
    ]
    if "redis" in seen:
        figures.append(compared("recording while down", "/s", rates("down", "redis"), "Redis behind it", None))
        figures.append(compared("Redis behind the handler", "/s", rates("redis", "bare"), "bare handler", None))
    return figures


def group_commits_per_s(file: Path, seconds: float = 1.0) -> float:
    """Return how many rows of 600 bytes SQLite keeps in a second, 32 to a commit, each commit synced; no encryption, one table."""
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS dose (number INTEGER PRIMARY KEY, body BLOB)")
    rows, body, began = 0, b"x" * 600, time.perf_counter()
    while time.perf_counter() < began + seconds:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO dose (body) VALUES (?)", [(body,)] * CONNECTIONS)
        db.execute("COMMIT")
        rows += CONNECTIONS
    db.close()
    return rows / (time.perf_counter() - began)
