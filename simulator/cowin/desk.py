"""What a desk's software sends to CoWIN; no sockets, no clock."""

from __future__ import annotations

from typing import Any, Final

from simulator.cowin.form import india_day
from simulator.forms import Dialect, Due, Form, LookUp, Shown, written
from simulator.people import Person

VACCINATE: Final = "/v2/vaccinator/beneficiaries/vaccinate"
REGISTER: Final = "/v2/vaccinator/beneficiaries/new"
FIND: Final = "/v2/vaccinator/beneficiaries/findByReferenceId"


def registration(person: Person) -> Form:
    """Return that with which a desk registers *person*."""
    body = {
        "name": person.name,
        "birth_year": person.birth_year,
        "gender_id": person.gender_id,
        "mobile_number": person.mobile,
        "photo_id_type": person.photo_id_type,
        "photo_id_number": person.photo_id_number,
        "comorbidity_ind": "N",
        "consent_version": "1",
    }
    return Form(REGISTER, body)


def vaccination(due: Due, person: str, dose: int, at: int) -> Form:
    """Return that with which a desk marks *person*, an id, vaccinated *at* that time, wall-clock milliseconds UTC."""
    today = written(india_day(at))
    days = {"dose1_date": due.first_day} if dose == 1 else {"dose1_date": due.first_day, f"dose{dose}_date": today}
    body = {
        "beneficiary_reference_id": person,
        "center_id": due.center_id,
        "vaccine": due.vaccine,
        "vaccine_batch": due.batch,
        "dose": dose,
        **days,
        "vaccinator_name": "Prabha Devi",
    }
    return Form(VACCINATE, body)


def identity(person: Person) -> str:
    """Return what the server's ledger knows a registration by."""
    return "/".join((person.mobile, person.name.casefold(), person.birth_year, str(person.gender_id), person.photo_id_number[-4:]))


def shown(answer: Any) -> list[Shown]:  # noqa: ANN401 - any JSON
    """Return everybody whom the answer to a look-up shows."""
    return [
        Shown(
            str(one["beneficiary_reference_id"]),
            one["name"],
            frozenset(dose for dose, member in enumerate(("dose1_date", "dose2_date"), start=1) if one.get(member)),
        )
        for one in answer["beneficiaries"]
    ]


COWIN: Final = Dialect(
    api="cowin",
    base="/api",
    recorded=("/api/v2/vaccinator/beneficiaries/*",),
    batch="vaccine_batch",
    registration=registration,
    vaccination=vaccination,
    identity=identity,
    issued=lambda answer: str(answer["beneficiary_reference_id"]),
    look_up=LookUp(lambda person: f"{FIND}?beneficiary_reference_id={person}", shown),
)
