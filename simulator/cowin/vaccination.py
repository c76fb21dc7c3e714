"""Marks a person vaccinated: the write that everything else is there for."""

from __future__ import annotations

import re
from typing import Final

from simulator.cowin.centres import CENTRES, VACCINES
from simulator.cowin.form import Form, india_day
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Register, Repeat, Rules
from simulator.exchange import Call, Effect, EffectKind, Reply, json_reply
from simulator.people import Dose, Person

BATCH: Final = re.compile(r"(?=.*\d)(?=.*[A-Z])[0-9A-Z]{6,12}")
"""Upper-case letters and digits, some of each, as on the vials."""

SECOND: Final = 2


def vaccinate(register: Register, call: Call) -> Reply:
    """Record a dose; whether the same dose again is applied or refused is in the register's rules."""
    form = Form(call.body)
    person = register.person(form.text("beneficiary_reference_id"))
    number = form.choice("dose", (1, SECOND))
    dose = Dose(
        day=form.day(f"dose{number}_date", india_day(call.at)),
        vaccine=form.choice("vaccine", VACCINES),
        batch=_batch(form, register.rules),
        center_id=_centre(form),
    )
    form.text("vaccinator_name")
    _check_turn(person, number, register.rules)
    person.doses[number] = dose
    return json_reply(200, {"success": True}, Effect(EffectKind.DOSE, person.id, f"{person.id}/{number}", number))


def _centre(form: Form) -> int:
    center_id = form.text("center_id", r"\d{1,9}", Code.BAD_CENTRE)
    if int(center_id) not in CENTRES:
        raise Refused(Code.BAD_CENTRE)
    return int(center_id)


def _batch(form: Form, rules: Rules) -> str:
    batch = form.text("vaccine_batch")
    if not BATCH.fullmatch(batch) or batch in rules.refused_batches:
        raise Refused(Code.GENERAL, "Invalid vaccine batch")
    return batch


def _check_turn(person: Person, number: int, rules: Rules) -> None:
    if number == SECOND and 1 not in person.doses:
        raise Refused(Code.FIRST_DOSE_MISSING)
    if number in person.doses and rules.repeat is Repeat.REFUSE:
        raise Refused(Code.GENERAL, "This dose is already recorded for the beneficiary")
