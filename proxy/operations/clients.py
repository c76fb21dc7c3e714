"""The file of client keys: made, shown and changed by a person; a running service sees each change on its next request."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from proxy.operations.errors import InTheWay, NotThere, Unfit
from proxy.rules.client_keys import NAME, ClientKey, NoKeys, hash_of, parsed, written
from store.file.owner import hand_over, make_folder

KEY_BYTES: Final = 32
"""256 random bits."""


def listed(file: Path) -> tuple[ClientKey, ...]:
    """
    Return the keys, without the keys themselves: those nobody has but the clients.

    Raises:
        InTheWay: the file cannot be read, or is none.
    """
    try:
        return parsed(file.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InTheWay(f"{file} cannot be read: {error.strerror}. Run this as the user that the service runs as.") from None
    except (NoKeys, UnicodeDecodeError) as error:
        raise InTheWay(f"{file}: {error}. Put a copy of it back, or move it away and give every desk a new key.") from None


def add(file: Path, name: str, now: datetime) -> str:
    """
    Make a key for *name* and return it: it is kept nowhere, and cannot be shown again.

    Raises:
        Unfit: *name* is none, or has a key.
        InTheWay: the file cannot be read or written.
    """
    if not NAME.fullmatch(name):
        raise Unfit("A name has letters, digits, dots and hyphens, at most 64: dosekeeper clients add desk-3")
    known = listed(file)
    if any(key.name == name for key in known):
        raise Unfit(f"{name} has a key. To give it another: dosekeeper clients revoke {name}, then add it again")
    made = secrets.token_urlsafe(KEY_BYTES)
    _write(file, (*known, ClientKey(name, hash_of(made), now.isoformat(timespec="seconds"))))
    return made


def revoke(file: Path, name: str) -> None:
    """
    Take the key of *name* away.

    Raises:
        NotThere: it has none.
        InTheWay: the file cannot be read or written.
    """
    known = listed(file)
    left = [key for key in known if key.name != name]
    if len(left) == len(known):
        raise NotThere(f"{name} has no key. See: dosekeeper clients list")
    _write(file, left)


def _write(file: Path, keys: Iterable[ClientKey]) -> None:
    """Replace the file as a whole, for its owner alone. A second command at the same time is turned away, and changes nothing."""
    unfinished = file.with_name(file.name + ".new")
    try:
        make_folder(file.parent)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(written(keys))
            out.flush()
            os.fsync(out.fileno())
        hand_over(unfinished, file if file.exists() else file.parent)
        unfinished.replace(file)
    except FileExistsError:
        raise InTheWay(f"{unfinished} is there: another command is changing the keys. If none is, remove it and try again.") from None
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InTheWay(f"{file} cannot be written: {error.strerror}. Run this as the user that the service runs as.") from None
