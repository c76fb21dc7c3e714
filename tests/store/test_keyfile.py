# ruff: noqa: ASYNC240 - nothing else waits in a test's loop
from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store.errors import JournalError, KeyExposed, KeyMalformed, KeyMissing, KeyUnfinished, KeyUnusable
from store.file import keyfile
from store.file.keyfile import KEY_VARIABLE, journal_key
from store.file.lock import Role
from store.journal import Journal, open_journal

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.key"


def test_the_first_start_makes_a_key_that_the_next_one_reads(path: Path, key_file: Path) -> None:
    made = journal_key(path, key_file, {})
    assert len(made) == 32
    path.touch()
    assert journal_key(path, key_file, {}) == made
    assert [entry.name for entry in key_file.parent.iterdir()] == ["journal.key"]


@posix_only
def test_only_its_owner_may_read_a_new_key(path: Path, key_file: Path) -> None:
    journal_key(path, key_file, {})
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_a_stop_during_the_first_start_is_no_obstacle(path: Path, key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.with_name("journal.key.new").write_text("12ab")
    assert len(journal_key(path, key_file, {})) == 32


def test_no_new_key_is_made_for_a_journal_that_is_there(path: Path, key_file: Path) -> None:
    path.touch()
    with pytest.raises(KeyMissing, match="Put the key file back"):
        journal_key(path, key_file, {})
    assert not key_file.exists()


def test_the_environment_goes_first(path: Path, key_file: Path) -> None:
    path.touch()
    assert journal_key(path, key_file, {KEY_VARIABLE: "0f" * 32 + "\n"}) == b"\x0f" * 32
    assert not key_file.exists()


@pytest.mark.parametrize("text", ["", "0f" * 31, "0f" * 33, "zz" * 32, "0x" + "0f" * 31])
def test_what_is_no_key_is_refused(path: Path, key_file: Path, text: str) -> None:
    key_file.parent.mkdir()
    key_file.write_text(text)
    key_file.chmod(0o600)
    with pytest.raises(KeyMalformed, match=r"journal\.key holds no key"):
        journal_key(path, key_file, {})
    with pytest.raises(KeyMalformed, match=f"{KEY_VARIABLE} holds no key") as error:
        journal_key(path, key_file, {KEY_VARIABLE: text})
    assert not text or text not in str(error.value)


@pytest.mark.parametrize("text", ["", "0f" * 20])
def test_a_key_file_cut_off_says_whether_a_journal_needs_it(path: Path, key_file: Path, text: str) -> None:
    key_file.parent.mkdir()
    key_file.write_text(text)
    key_file.chmod(0o600)
    with pytest.raises(KeyUnfinished, match="Else delete the file"):
        journal_key(path, key_file, {})
    path.touch()
    with pytest.raises(KeyMalformed, match="Put the key back from its safe copy"):
        journal_key(path, key_file, {})
    assert key_file.read_text() == text


@pytest.mark.parametrize("step", range(6))
async def test_a_power_cut_at_any_step_of_the_first_start_is_no_obstacle(
    path: Path, key_file: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps: the key on disk, renamed, its folder and that one's, read back, the journal made."""
    taken = 0

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def once(*args: Any, **more: Any) -> Any:
            nonlocal taken
            if taken == step:
                raise KeyboardInterrupt
            taken += 1
            return act(*args, **more)

        return once

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", dying(os.fsync))
        patch.setattr(Path, "replace", dying(Path.replace))
        patch.setattr("store.file.keyfile._read", dying(keyfile._read))
        patch.setattr("store.journal.Journal.open", dying(Journal.open))
        with pytest.raises(KeyboardInterrupt):
            await open_journal(path, key_file, {}, Role.SERVICE)
    before = key_file.read_bytes() if key_file.exists() else None
    journal = await open_journal(path, key_file, {}, Role.SERVICE)
    await journal.close()
    assert before in (None, key_file.read_bytes()), "a key that was in place is never replaced"
    assert sorted(each.name for each in key_file.parent.iterdir()) == ["journal.key"]


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_read_is_refused_with_the_remedy(path: Path, key_file: Path, mode: int) -> None:
    journal_key(path, key_file, {})
    key_file.chmod(mode)
    with pytest.raises(KeyExposed, match=rf"mode {mode:o}.*chmod 600 {key_file}"):
        journal_key(path, key_file, {})


def test_a_key_file_that_cannot_be_made_is_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyUnusable, match="Give the user"):
        journal_key(path, tmp_path / "file" / "journal.key", {})


def test_a_message_is_the_docstring_in_one_line_with_its_facts() -> None:
    assert str(JournalError()) == "The journal cannot be used."
    message = str(KeyMissing(journal="j.db", key_file="j.key"))
    assert message.startswith("The journal j.db exists, but its key does not: there is no file j.key. Without")
    assert "\n" not in message
