"""Whether this computer lets a service start: the journal's files and their rights, the room on its disk, the key, the ports."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from proxy.operations.finding import Finding, well
from proxy.settings import Settings
from store.errors import JournalError, KeyWrong
from store.file.image import pages_of_file
from store.file.keyfile import KEY_VARIABLE, journal_key
from store.file.owner import given, obstacle, strays
from store.file.reserve import ballast_bytes


def files(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield whether this user may use the journal, what room there is, and whether the key fits. Nothing is changed."""
    journal = settings.store.path
    if why := obstacle(journal):
        yield Finding("journal", 1, str(why))
        return  # nothing in there can be looked at
    if journal.exists():
        if theirs := strays(journal):
            yield Finding("journal", 1, f"{theirs[0]} belongs to root, and shuts the folder's owner out. Next: {given(theirs[0])}")
        else:
            yield well("journal", f"{journal} can be read and written")
    yield from _disk(settings)
    yield from _key(settings, environ)


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.store.path.parent
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("disk", 1, f"{there} cannot be written: give the user that dosekeeper runs as access to it")
        return
    # What a service has taken for its reserve is the journal's too.
    free, reserve = shutil.disk_usage(there).free + ballast_bytes(settings.store.path), settings.store.reserve
    if free < reserve:
        yield Finding("disk", 1, f"{folder}: {_mebibytes(free)} free, store.reserve wants {_mebibytes(reserve)}: make room")
    else:
        yield well("disk", f"{folder} can be written, {_mebibytes(free)} free")


def _key(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    journal, key_file = settings.store.path, settings.store.key_file
    if KEY_VARIABLE not in environ and not journal.exists() and not key_file.exists():
        yield well("key", "no journal yet; the first start makes the journal and its key")
        return
    try:
        key = journal_key(journal, key_file, environ)
        if not _fits(journal, key):
            raise KeyWrong(journal=journal)
    except (JournalError, OSError) as error:
        yield Finding("key", 1, str(error))
    else:
        yield well("key", f"from the variable {KEY_VARIABLE}" if KEY_VARIABLE in environ else str(key_file))


def _fits(journal: Path, key: bytes) -> bool:
    """Whether *key* opens *journal*, or there is nothing yet to hold it against: a first start may have been cut off."""
    being_made = journal.with_name(journal.name + "-journal").exists()
    return being_made or not journal.exists() or journal.stat().st_size == 0 or pages_of_file(journal, key) is not None


async def ports(settings: Settings, *, service: bool) -> list[Finding]:
    """Return whether the ports can be had; *service*: this journal's own runs, and has them."""
    listen, admin, metrics = settings.listen, settings.admin, settings.metrics
    three = (("listen", listen.host, listen.port), ("admin", admin.host, admin.port), ("metrics", metrics.host, metrics.port))
    wanted = [(name, host, port) for name, host, port in three if port]
    taken = [(name, host, port, why) for name, host, port in wanted if (why := await _not_to_be_had(host, port))]
    if service or not taken:
        numbers = ", ".join(str(port) for _, _, port in wanted)
        return [well("ports", f"{numbers}: this journal's service runs, and has them" if taken else f"{numbers}: free")]
    then = "End what listens there, or give it another number"
    return [Finding("ports", 1, f"{name}.port: {host} port {port} cannot be had: {why}. {then}") for name, host, port, why in taken]


async def _not_to_be_had(host: str, port: int) -> str | None:
    """Take the port as a service does, but hear nobody, and let it go again; return why that is not possible."""
    try:
        (await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port, start_serving=False)).close()
    except OSError as error:
        return (error.strerror or str(error)).rpartition(": ")[2]
    return None


def _mebibytes(amount: int) -> str:
    return f"{amount // (1 << 20)} MiB"
