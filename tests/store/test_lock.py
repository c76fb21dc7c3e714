from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import store
from store.errors import JournalLocked, JournalUnwritable
from store.file.lock import Lock, Role

ROOT = Path(store.__file__).parents[1]

CHILD = """
import pathlib, sys, threading
from store.file.lock import Lock, Role
lock = Lock.take(pathlib.Path(sys.argv[1]), Role(sys.argv[2]))
print("held", flush=True)
if sys.argv[3] == "gives way":
    while not lock.wanted():
        threading.Event().wait(0.01)
    lock.release()
    print("gave way", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path, role: Role, manner: str = "stays") -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock, until its standard input is closed."""
    command = [sys.executable, "-c", CHILD, str(path), role, manner]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()


def test_the_error_names_the_holders_role_and_process(path: Path) -> None:
    for role, remedy in ((Role.SERVICE, "Stop that service"), (Role.CLI, "Wait until that command")):
        with holder(path, role) as child, pytest.raises(JournalLocked, match=rf"the dosekeeper {role}, process {child.pid};.*{remedy}"):
            Lock.take(path, Role.CLI)


def test_a_lock_is_free_again_when_released_or_its_process_is_gone(path: Path) -> None:
    with holder(path, Role.SERVICE):
        pass
    first = Lock.take(path, Role.CLI)
    with pytest.raises(JournalLocked, match=f"process {os.getpid()}"):
        Lock.take(path, Role.CLI)
    first.release()
    first.release()
    Lock.take(path, Role.SERVICE).release()


def test_a_file_left_behind_is_no_obstacle(path: Path) -> None:
    path.with_name("journal.db.lock").write_text('{"role": "service", "pid": 1} and more')
    lock = Lock.take(path, Role.CLI)
    assert path.with_name("journal.db.lock").read_text() == f'{{"role": "cli", "pid": {os.getpid()}}}'
    lock.release()


async def test_a_starting_service_has_the_journal_from_a_command_within_its_patience(path: Path) -> None:
    with holder(path, Role.CLI, "gives way") as child:
        lock = await asyncio.wait_for(Lock.take_over(path, Role.SERVICE), 5)
        assert child.stdout is not None
        assert child.stdout.readline() == "gave way\n"
    assert not path.with_name("journal.db.wanted").exists()
    lock.release()


async def test_a_command_that_does_not_give_way_is_named(path: Path) -> None:
    with holder(path, Role.CLI) as child, pytest.raises(JournalLocked, match=f"process {child.pid}"):
        await Lock.take_over(path, Role.SERVICE, patience_s=0.2)
    assert not path.with_name("journal.db.wanted").exists()


@pytest.mark.parametrize(("holding", "coming"), [(Role.SERVICE, Role.SERVICE), (Role.SERVICE, Role.CLI), (Role.CLI, Role.CLI)])
async def test_nobody_else_is_asked_to_give_way(path: Path, holding: Role, coming: Role) -> None:
    with holder(path, holding), pytest.raises(JournalLocked):
        await asyncio.wait_for(Lock.take_over(path, coming, patience_s=1000), 5)


def test_a_wish_left_behind_by_a_service_that_is_gone_is_forgotten(path: Path) -> None:
    path.with_name("journal.db.wanted").touch()
    lock = Lock.take(path, Role.CLI)
    assert not lock.wanted()
    lock.release()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnwritable, match="Check free space and permissions"):
        Lock.take(tmp_path / "file" / "journal.db", Role.CLI)


@pytest.mark.parametrize("missing", ["fcntl", "msvcrt"])
@pytest.mark.parametrize("module", ["store.file.lock", "store.file.keyfile", "store.journal"])
def test_it_imports_without_the_other_systems_modules(missing: str, module: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = sys.modules['pwd'] = sys.modules['resource'] = None; import {module}"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


@pytest.mark.skipif(os.name == "nt", reason="stands in for Windows where that is not at hand")
def test_the_branch_for_windows_locks_a_byte_behind_the_content(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = importlib.import_module("fcntl")
    places: list[int] = []

    def locking(descriptor: int, mode: int, size: int) -> None:
        assert (mode, size) == (2, 1)
        places.append(os.lseek(descriptor, 0, os.SEEK_CUR))
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=2))
    lock = Lock.take(path, Role.SERVICE)
    with pytest.raises(JournalLocked, match=f"the dosekeeper service, process {os.getpid()}"):
        Lock.take(path, Role.CLI)
    lock.release()
    assert min(places) > path.with_name("journal.db.lock").stat().st_size
