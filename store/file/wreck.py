"""Read the rows of a copy with damaged pages: all that can be reached, around what cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from store.errors import JournalError
from store.file.connection import SqliteError, open_wreck, require_sound
from store.file.keepsake import put_back
from store.queries import Db

Row = tuple[Any, ...]

_UNREACHED_MAX: Final = 100_000
"""Places in a row that are tried one by one behind a damaged page, some 2 ms each."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as its schema has it: columns in order, its key, and whether rows have a number of their own to reach them by."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    by_number: bool


class Wreck:
    """The copy, with *kept* pages for a damaged schema. A connection that met a damaged page is of no more use: it is opened anew."""

    def __init__(self, image: Path, key: bytes, kept: Mapping[int, bytes]) -> None:
        self.image = image
        self._key = key
        self._kept = kept
        self.holed: set[str] = set()
        try:
            self._db = open_wreck(image, key)
        except JournalError:
            if not put_back(image, key, kept, root=1):
                raise
            self._db = open_wreck(image, key)

    def put_back(self, root: int) -> None:
        """Have a table as it was when its pages were kept, where they were: what it holds now is not read any more."""
        self._db.close()
        put_back(self.image, self._key, self._kept, root)
        self._db = open_wreck(self.image, self._key)

    def close(self) -> None:
        """Close the copy."""
        self._db.close()

    def table(self, table: Table, last: int) -> Iterator[Row]:
        """Yield a table's rows, each once; one that cannot be read wholly is then in `holed`. *last* is the highest number there may be."""
        if table.by_number:
            yield from self._numbered(table, last)
        else:
            what = f"SELECT {', '.join(table.columns)} FROM {table.name}"  # noqa: S608 - names from our own schema
            yield from self.ordered(table.name, what, table.key)

    def ordered(self, name: str, select: str, key: Sequence[str]) -> list[Row]:
        """Return a query's rows from both ends of *key* up to the damage; what lies between two damaged pages is not reached."""
        select = select.rstrip(";")
        rows, whole = self._some(f"{select} ORDER BY {', '.join(key)}")
        if whole:
            return rows
        self.holed.add(name)
        seen = set(rows)
        others, _ = self._some(f"{select} ORDER BY {', '.join(f'{column} DESC' for column in key)}")
        return [*rows, *(row for row in others if row not in seen)]

    def one(self, select: str) -> Row | None:
        """Return a query's first row; None where there is none, or it cannot be read."""
        rows, _ = self._some(select)
        return rows[0] if rows else None

    def _numbered(self, table: Table, last: int) -> Iterator[Row]:
        what = f"SELECT rowid, {', '.join(table.columns)} FROM {table.name} NOT INDEXED"  # noqa: S608 - as above
        first, whole = 1, False
        while not whole:
            for number, *row in self._until_damage(f"{what} WHERE rowid >= {first} ORDER BY rowid"):
                first = number + 1
                yield tuple(row)
            if not (whole := self._whole):
                self.holed.add(table.name)
                found = self._beyond(what, first, last)
                whole = found is None
                if found is not None:  # taken alone: the library steps ahead, and may fail on the next row before it gives this one
                    first = found[0] + 1
                    yield found[1:]

    def _beyond(self, what: str, first: int, last: int) -> Row | None:
        """Return the first row from *first* on that can be read again."""
        for number in range(first, min(last, first + _UNREACHED_MAX) + 1):
            rows, _ = self._some(f"{what} WHERE rowid = {number}")
            if rows:
                return rows[0]
        return None

    def _some(self, select: str) -> tuple[list[Row], bool]:
        rows = list(self._until_damage(select))
        return rows, self._whole

    def _until_damage(self, select: str) -> Iterator[Row]:
        self._whole = False
        try:
            read = self._db.execute(select)
            require_sound(self._db)  # of a row before it is given: the library has stepped to the next when it gives one
            for row in read:
                yield row
                require_sound(self._db)
            self._whole = True
        except SqliteError:
            self._db.close()
            self._db = open_wreck(self.image, self._key)


def tables(db: Db) -> list[Table]:
    """Return the tables of a journal, but SQLite's own."""
    found = []
    for _, name, kind, _, without_rowid, _ in db.execute("PRAGMA table_list").fetchall():
        if kind != "table" or name.startswith("sqlite_"):
            continue
        columns = db.execute(f"PRAGMA table_xinfo({name})").fetchall()
        key = [column[1] for column in sorted(columns, key=lambda column: column[5]) if column[5]]
        found.append(Table(name, tuple(column[1] for column in columns), tuple(key), not without_rowid))
    return found
