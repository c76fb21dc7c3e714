"""
Whose a journal's folder and files are: the service's, whoever made them. And who may not use them is told why, and what to do.

On Windows, where the folder's rights decide, nothing is handed over and nobody is named.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Final

from store.errors import JournalForbidden

_USED: Final = ("", "-wal", "-shm", ".home", ".keepsake", ".lock", ".rescued", ".wanted")
"""What a journal's files are called behind its name, of those without which it cannot be opened."""


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make *folder*, and those above it where they are not there, each for the owner of the one that it is in. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent, 0o777)
    folder.mkdir(mode, exist_ok=True)
    hand_over(folder, folder.parent)


def hand_over(made: Path, like: Path) -> None:
    """Give what the superuser made to whom its place belongs: the service, which runs as somebody else, has to use it."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    with suppress(OSError):  # a container's root may not: who cannot use the file is told by `obstacle`
        owner = like.stat()
        os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)


def hand_over_files(journal: Path) -> None:
    """Give what the superuser made of *journal*, in this command or one that was killed, to its folder's owner. Raises OSError."""
    if sys.platform != "win32" and os.geteuid() == 0:
        for file in strays(journal):
            hand_over(file, journal.parent)


def strays(journal: Path) -> list[Path]:
    """Return the files of *journal* that are the superuser's in a folder that is another's."""
    if sys.platform == "win32" or journal.parent.stat().st_uid == 0:
        return []
    found = ((file, file.lstat()) for file in sorted(journal.parent.glob(escape(journal.name) + "*")))
    # A link may lead to what is not the journal's: the folder's owner could have put it there.
    return [file for file, about in found if about.st_uid == 0 and stat.S_ISREG(about.st_mode) and about.st_nlink == 1]


def obstacle(journal: Path) -> JournalForbidden | None:
    """Return why this process's user may not use *journal*; None where it may, or nothing is there yet."""
    folder = journal.parent.absolute()
    files = (_forbidden(folder / (journal.name + end), os.R_OK | os.W_OK) for end in _USED)
    return shut_out(folder) or _forbidden(folder, os.R_OK | os.W_OK | os.X_OK) or next(filter(None, files), None)


def shut_out(path: Path) -> JournalForbidden | None:
    """Return which folder above *path*, which is absolute, this process's user may not enter; None where it may."""
    return next(filter(None, (_forbidden(above, os.X_OK) for above in reversed(path.parents))), None)


def _forbidden(place: Path, needed: int) -> JournalForbidden | None:
    """The folder that *place* is in may be entered."""
    if not place.exists() or (needed & os.X_OK and not place.is_dir()) or os.access(place, needed):
        return None
    written = bool(needed & os.W_OK) and os.access(place, needed & ~os.W_OK)
    what = f"{place} cannot be {'written' if written else 'read'}"
    if sys.platform == "win32":
        return JournalForbidden(what=what, why="access is denied", advice="run it as the user that the service runs as")
    if written and os.statvfs(place).f_flag & os.ST_RDONLY:
        return JournalForbidden(what=what, why="its disk is mounted for reading only", advice="see why (dmesg), and mount it for writing")
    me, about = os.geteuid(), place.stat()
    why = f"its mode is {stat.S_IMODE(about.st_mode):o}" if about.st_uid == me else f"it belongs to {_name(about.st_uid)}"
    return JournalForbidden(what=f"{what} by {_name(me)}", why=why, advice=_advice(place, me, needed))


def _advice(place: Path, me: int, needed: int) -> str:
    if place.stat().st_uid == me:
        return f"chmod u+rw{'x' * place.is_dir()} {place}"
    folder = place if place.is_dir() else place.parent
    host = folder.stat().st_uid
    if host == me:
        return given(place)
    if host == 0 and needed & os.W_OK:
        return f"run it as the service's user; if that is {_name(me)}: sudo chown -R {_name(me)} {folder}"
    return f"run it as the service's user: sudo -u {_name(host)} dosekeeper ..."


def given(file: Path) -> str:
    """Return the command by which a file's folder, with all that is in it, is given to whom the folder belongs."""
    return f"sudo chown -R {_name(file.parent.stat().st_uid)} {file.parent}"


def _name(user: int) -> str:
    """Return what a user of this computer is called; the number where it has no name, as in a container."""
    if sys.platform == "win32":
        return str(user)
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
