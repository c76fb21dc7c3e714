"""`dosekeeper clients`: who may record, decided by a person, effective at once."""

from __future__ import annotations

import os
import stat

import pytest

from proxy.rules.client_keys import FIELD, hash_of
from simulator import Simulator
from tests.cli.centre import Centre
from tests.traffic.centre import VACCINATE, a_dose, people


async def status_of(centre: Centre, person: str, key: str) -> int:
    url = f"http://127.0.0.1:{centre.data}/api{VACCINATE}"
    async with centre.desk.post(url, json=a_dose(person), headers={FIELD: key, "X-Forwarded-For": "10.0.0.9"}) as answer:
        return answer.status


async def test_a_key_counts_from_when_it_is_made_until_it_is_revoked(centre: Centre, sim: Simulator) -> None:
    file = centre.folder / "keys" / "clients"
    centre.change(lambda text: text + "recording: {client_keys_file: keys/clients}\n")
    persons = people(sim)
    async with centre.serving() as service:
        await centre.run("hold", "--by", "asha")
        assert await status_of(centre, persons[0], "guessed") == 401
        made = await centre.run("clients", "add", "desk-3")
        key = made.out.strip()
        assert made.code == 0
        assert "not shown again" in made.err
        assert FIELD in made.err
        assert await status_of(centre, persons[0], key) == 200
        listed = await centre.run("clients", "list", "--json")
        revoked = await centre.run("clients", "revoke", "desk-3")
        assert await status_of(centre, persons[1], key) == 401
        log = str(service.events)
    assert [client["name"] for client in listed.json] == ["desk-3"]
    assert revoked.code == 0
    assert len(key) >= 43, "256 bits"
    assert key not in log
    assert key not in listed.out
    text = file.read_text()
    assert key not in text
    assert hash_of(key) not in text, "revoked"
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "desk-3"), "has a key"),
        (("add", "two words"), "A name has letters"),
        (("revoke", "desk-9"), "has no key"),
    ],
)
async def test_what_cannot_be_done_is_said_with_the_next_step(centre: Centre, words: tuple[str, ...], said: str) -> None:
    centre.change(lambda text: text + "recording: {client_keys_file: clients}\n")
    assert (await centre.run("clients", "add", "desk-3")).code == 0
    before = (centre.folder / "clients").read_text()
    result = await centre.run("clients", *words)
    assert result.code == 1
    assert said in result.err
    assert "dosekeeper clients" in result.err
    assert (centre.folder / "clients").read_text() == before


async def test_a_second_command_at_the_same_time_changes_nothing(centre: Centre) -> None:
    centre.change(lambda text: text + "recording: {client_keys_file: clients}\n")
    (centre.folder / "clients.new").touch()
    result = await centre.run("clients", "add", "desk-3")
    assert result.code == 1
    assert "another command is changing the keys" in result.err
    assert not (centre.folder / "clients").exists()


async def test_without_a_file_for_them_the_key_of_the_configuration_is_named(centre: Centre) -> None:
    result = await centre.run("clients", "add", "desk-3")
    assert result.code == 2
    assert "recording.client_keys_file" in result.err
