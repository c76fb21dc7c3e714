from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.profiles.model import Issues, Provisional
from proxy.rules.identity import check_digit, find_provisional, is_provisional, issued_id, provisional_id, running_numbers

FORM = Provisional.model_validate({"digits": 14, "prefix": "99"})
ID = provisional_id(FORM, 1042, 17)

forms = st.tuples(st.sampled_from(["9", "99", "707"]), st.sampled_from([14, 15])).map(
    lambda form: Provisional.model_validate({"prefix": form[0], "digits": form[1]})
)
ids = st.builds(provisional_id, st.just(FORM), st.integers(0, 999_999), st.integers(0, running_numbers(FORM) - 1))


def test_an_id_says_whose_it_is() -> None:
    assert ID == "99" + "001042" + "00017" + "4"
    assert find_provisional(ID.encode(), FORM, 1042) == {ID}
    assert find_provisional(ID.encode(), FORM, 1043) == frozenset()
    assert running_numbers(FORM) == 100_000


@given(forms, st.integers(0, 999_999), st.data())
def test_every_id_has_the_form_and_no_two_are_the_same(form: Provisional, centre: int, data: st.DataObject) -> None:
    running = st.integers(0, running_numbers(form) - 1)
    one, other = data.draw(running), data.draw(running)
    first = provisional_id(form, centre, one)
    assert len(first) == form.digits
    assert is_provisional(first, form)
    assert find_provisional(first.encode(), form, centre) == {first}
    assert (first == provisional_id(form, centre, other)) == (one == other)


@pytest.mark.parametrize(("centre", "running"), [(1_000_000, 0), (-1, 0), (0, 100_000), (0, -1)])
def test_what_does_not_fit_is_an_error(centre: int, running: int) -> None:
    with pytest.raises(ValueError, match="digits"):
        provisional_id(FORM, centre, running)


@pytest.mark.parametrize(("digits", "check"), [("7992739871", "3"), ("411111111111111", "1"), ("37828224631000", "5"), ("0", "0")])
def test_the_check_digit_is_luhns(digits: str, check: str) -> None:
    assert check_digit(digits) == check


@given(ids, st.integers(2, 13), st.integers(1, 9))
def test_one_mistyped_digit_is_found(id_: str, place: int, by: int) -> None:
    mistyped = id_[:place] + str((int(id_[place]) + by) % 10) + id_[place + 1 :]
    assert not is_provisional(mistyped, FORM)


@given(ids, st.integers(2, 12))
def test_two_neighbours_exchanged_are_found_but_for_0_and_9(id_: str, place: int) -> None:
    pair = id_[place : place + 2]
    exchanged = id_[:place] + pair[::-1] + id_[place + 2 :]
    assert is_provisional(exchanged, FORM) == (pair[0] == pair[1] or set(pair) == {"0", "9"})


@pytest.mark.parametrize("text", ["", ID[:-1], ID + "0", "48448366834980", f" {ID}", "९९" + ID[2:], ID.replace("1", "१"), f"{ID[:-1]}x"])
def test_what_is_none(text: str) -> None:
    assert not is_provisional(text, FORM)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


def percent(text: str) -> str:
    return "".join(f"%{ord(character):02X}" for character in text)


HIDDEN = {
    "query": f"GET /x?a=1&id={ID}&b",
    "path": f"/persons/{ID}/doses",
    "text": f'{{"note":"see {ID}, please"}}',
    "number": f'{{"id":{ID}}}',
    "number with a fraction": f'{{"id":{ID}.0}}',
    "number with an exponent": f'{{"id":{ID[0]}.{ID[1:]}e13}}',
    "another exponent": f'{{"id":{ID}00E-2}}',
    "among letters": f"A{ID}B",
    "among digits": f"1{ID}7",
    "two that overlap": f"99{ID}",
    "key": f'{{"{ID}":1}}',
    "escaped": f'{{"id":"{escaped(ID)}"}}',
    "escaped in part": f'{{"id":"{escaped(ID[:1])}{ID[1:]}"}}',
    "percent-encoded": f"/x?id={percent(ID)}",
    "percent-encoded in part": f"/x?id=%39{ID[1:]}",
    "percent-encoded twice": "/x?id=" + quote(percent(ID), safe=""),
    "JSON in JSON": json.dumps({"payload": f'{{"id":"{escaped(ID)}"}}'}),
    "JSON in JSON in JSON": json.dumps([json.dumps({"payload": f'{{"id":"{escaped(ID)}"}}'})]),
    "JSON percent-encoded": "/x?filter=" + quote(f'{{"id":"{escaped(ID)}"}}', safe=""),
    "JSON percent-encoded twice": "/x?filter=" + quote(quote(f'{{"id":"{escaped(ID)}"}}', safe=""), safe=""),
    "header": f"X-Person: {ID}\r\n",
    "form": f"id={ID}&x=1",
}


@pytest.mark.parametrize("place", HIDDEN)
def test_an_id_is_found_wherever_it_hides(place: str) -> None:
    assert ID in find_provisional(HIDDEN[place].encode(), FORM)


@given(st.binary(max_size=40), ids, st.binary(max_size=40))
def test_an_id_is_found_between_any_bytes(before: bytes, id_: str, after: bytes) -> None:
    assert id_ in find_provisional(before + b" " + id_.encode() + b" " + after, FORM)


@given(st.integers(0, 10**14 - 1))
def test_nothing_is_found_but_what_has_the_form(number: int) -> None:
    text = f"{number:014}"
    assert find_provisional(text.encode(), FORM) == ({text} if is_provisional(text, FORM) else set())


def test_real_ids_mobiles_dates_and_photo_ids_are_none() -> None:
    body = b'{"id":"48448366834980","mobile":"919000000001","at":1627641000123,"photo":"999941057058","uuid":"99a4f0e2-9900-4c53"}'
    assert find_provisional(body, FORM) == frozenset()


@pytest.mark.parametrize("body", [b"9" * 300_000, b"1" * 300_000, b"\\" * 300_000, b"%25" * 100_000, b"1.1e" * 75_000, b"9" * 400 + b".0"])
@pytest.mark.timeout(5)
def test_hostile_bodies_take_no_time(body: bytes) -> None:
    find_provisional(body, FORM)


@pytest.mark.parametrize(("shown", "id_"), [("48448366834980", "48448366834980"), (48448366834980, "48448366834980"), (" 7 ", "7")])
def test_the_real_id_in_an_answer(shown: object, id_: str) -> None:
    assert issued({"id": shown}) == id_


@pytest.mark.parametrize("body", [None, {}, {"id": " "}, {"id": None}, {"id": True}, {"id": 1.5}, {"id": []}, {"id": {}}])
def test_an_answer_without_a_real_id(body: object) -> None:
    assert issued(body) is None


def issued(body: object) -> str | None:
    return issued_id(Issues.model_validate({"id": "body.id"}), {"status": 200, "headers": {}, "body": body, "text": ""})


LETTERS = Provisional.model_validate({"prefix": "offline-", "digits": 13})
LETTERED = provisional_id(LETTERS, 1042, 17)


def test_an_id_of_letters_and_digits() -> None:
    assert "offline-" + "001042" + "000017" + check_digit("001042000017") == LETTERED
    assert running_numbers(LETTERS) == 1_000_000
    assert is_provisional(LETTERED, LETTERS)
    assert not is_provisional(LETTERED.replace("17", "18"), LETTERS)
    assert not is_provisional(LETTERED.removeprefix("offline-"), LETTERS)


@pytest.mark.parametrize("hidden", [LETTERED, escaped(LETTERED), percent(LETTERED), quote(percent(LETTERED), safe=""), f"x{LETTERED}y"])
def test_letters_are_found_however_they_are_written(hidden: str) -> None:
    assert find_provisional(f'{{"reference":"Patient/{hidden}"}}'.encode(), LETTERS) == {LETTERED}
