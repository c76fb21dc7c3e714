"""
Requests that end in zeros: their last page is lost.

SQLCipher takes a page of zeros for a whole one, so that `connection.sound` says nothing of it. SQLite finds it wrong anywhere but at the
end of a row, and the row of a request ends with its body. No body that was recorded ends in a zero byte: it is JSON, or it was not
admitted. What the server answered may end so, and is not judged.
"""

from __future__ import annotations

from store.file.connection import damage
from store.queries import Db, value


def require_end(body: bytes) -> None:
    """Raise SqliteError, as `connection.require_sound` does, where the end of a request is not what was written. 0.1 µs."""
    if body.endswith(b"\0"):
        raise damage("a request ends in zeros")


def require_ends(db: Db) -> None:
    """Raise it where any request's is not, nor was before an edit; reads them all."""
    if value(db, "any_request_cut") or value(db, "any_revision_cut"):
        raise damage("a request ends in zeros")
