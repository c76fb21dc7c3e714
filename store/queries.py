"""The statements of sql/queries.sql and sql/salvage.sql by name, and the four ways to run one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

Db = sqlite3.Connection
"""What a verb works on. sqlcipher3's connection has no type of its own; it is sqlite3's, method for method."""

_HEADING: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT: Final = re.compile(r"^--.*\n", re.MULTILINE)
_ROW: Final = re.compile(r"(?<=\bVALUES )\([^()]*\)")
_PARAMETER: Final = re.compile(r":\w+")

ROWS_MAX: Final = 32
"""Rows in one statement: more are hardly faster."""


def blocks(text: str) -> Mapping[str, str]:
    """
    Split *text* into its named blocks, comments taken out.

    Raises:
        ValueError: two blocks bear one name.
    """
    _, *parts = _HEADING.split(text)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) < len(names):
        raise ValueError("two blocks of SQL bear one name")
    return {name: _COMMENT.sub("", statement.lstrip("\n")).strip() for name, statement in zip(names, statements, strict=True)}


SQL: Final = blocks("".join((files("store") / "sql" / name).read_text("utf-8") for name in ("queries.sql", "salvage.sql")))
"""Each statement by its name."""


def rows(db: Db, name: str, /, **values: object) -> list[Any]:
    """Run a statement and return all its rows: a RETURNING left half read would keep the transaction from committing."""
    return db.execute(SQL[name], values).fetchall()


def value(db: Db, name: str, /, **values: object) -> Any:  # noqa: ANN401 - what a column holds is known to the statement alone
    """Run a statement and return the first column of its first row, or None where it has no row."""
    found = rows(db, name, **values)
    return found[0][0] if found else None


def run(db: Db, name: str, /, **values: object) -> int:
    """Run a statement and return how many rows it changed."""
    return db.execute(SQL[name], values).rowcount


def run_many(db: Db, name: str, /, values: Sequence[Sequence[object]]) -> None:
    """Run an INSERT of one row for all of *values*, each in the order of the statement's parameters; few statements, of a few lengths."""
    done = 0
    while done < len(values):
        count = min(ROWS_MAX, 1 << (len(values) - done).bit_length() - 1)
        db.execute(_of_many(name, count), [each for row in values[done : done + count] for each in row])
        done += count


@cache
def _of_many(name: str, count: int) -> str:
    """Return a statement with its row of VALUES *count* times: a power of two, so that few are prepared, and they stay so."""
    return _ROW.sub(lambda row: ", ".join([_PARAMETER.sub("?", row[0])] * count), SQL[name])
