from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from store.errors import JournalError, KeyExposed, KeyMalformed, KeyMissing, KeyUnusable
from store.file.keyfile import KEY_VARIABLE, journal_key

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
