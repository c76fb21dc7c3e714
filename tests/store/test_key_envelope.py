from __future__ import annotations

import re

import pytest

from store.file.key_envelope import NotOpened, opened, sealed
from tests.store.helpers import KEY

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def text() -> str:
    return sealed(KEY, PASSPHRASE)


def test_what_is_sealed_is_opened_by_its_passphrase_alone(text: str) -> None:
    assert opened(text, PASSPHRASE) == KEY
    assert KEY.hex() not in text
    with pytest.raises(NotOpened, match="passphrase is another"):
        opened(text, PASSPHRASE + " ")


def test_no_two_are_alike(text: str) -> None:
    assert sealed(KEY, PASSPHRASE) != text


def test_it_can_be_printed_and_typed(text: str) -> None:
    assert max(map(len, text.splitlines())) < 70
    assert re.fullmatch(r"[\x20-\x7e\n]+", text)
    head, _, body = text.partition("\n")
    typed = body.lower().replace("o", "0").replace("i", "1").replace("b", "8")
    assert opened(f"{head}\n{typed}\n\n", PASSPHRASE) == KEY
    without_numbers = re.sub(r"^\d+  ", "", body, flags=re.MULTILINE)
    assert opened(head + "\n" + without_numbers.replace(" ", ""), PASSPHRASE) == KEY


def test_a_letter_typed_in_two_ways_is_one() -> None:
    made = sealed(KEY, "Jos\u00e9 kam nach Bad")
    assert opened(made, "Jose\u0301 kam nach Bad") == KEY


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_a_mistyped_line_is_named(text: str, line: int) -> None:
    lines = text.splitlines()
    wrong = lines[1 + line]
    lines[1 + line] = wrong[:4] + ("A" if wrong[4] != "A" else "C") + wrong[5:]
    with pytest.raises(NotOpened, match=f"line {line} "):
        opened("\n".join(lines), PASSPHRASE)


def test_lines_that_changed_places_are_named(text: str) -> None:
    head, empty, one, two, *rest = text.splitlines()
    with pytest.raises(NotOpened, match="line 1 "):
        opened("\n".join([head, empty, two, one, *rest]), PASSPHRASE)


def test_a_missing_last_line_is_noticed(text: str) -> None:
    with pytest.raises(NotOpened, match="a line is missing"):
        opened("\n".join(text.splitlines()[:-1]), PASSPHRASE)


@pytest.mark.parametrize("other", ["", "a shopping list", "dosekeeper key, version 2: something else"])
def test_other_text_is_no_key(other: str) -> None:
    with pytest.raises(NotOpened, match="does not begin with"):
        opened(other, PASSPHRASE)


def test_a_short_passphrase_seals_nothing() -> None:
    with pytest.raises(ValueError, match="at least 12"):
        sealed(KEY, "eleven char")
