"""Registers people: walk-ins at a desk, and citizens by themselves."""

from __future__ import annotations

from typing import Final

from simulator.cowin.access import mobile_of
from simulator.cowin.form import Form, india_day
from simulator.cowin.log_in import MOBILE
from simulator.cowin.masters import GENDERS, ID_TYPES
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Register
from simulator.exchange import Call, Effect, EffectKind, Reply, json_reply
from simulator.people import Person, new_id

OLDEST_YEAR: Final = 1900


def register_walk_in(register: Register, call: Call) -> Reply:
    """Register the person in the body; the same person again gets another id, as with CoWIN across mobiles."""
    form = Form(call.body)
    name = form.text("name", code=Code.NAME_REQUIRED)
    return _enter(register, call, form, name, form.text("mobile_number", MOBILE))


def register_citizen(register: Register, call: Call) -> Reply:
    """Register a person under the mobile of the token."""
    mobile = mobile_of(call, register.secret)
    form = Form(call.body)
    return _enter(register, call, form, form.text("name", code=Code.NAME_REQUIRED), mobile)


def delete(register: Register, call: Call) -> Reply:
    """Take a person who has had no dose off the register."""
    mobile = mobile_of(call, register.secret)
    person = register.person(Form(call.body).text("beneficiary_reference_id"))
    if person.mobile != mobile:
        raise Refused(Code.NO_BENEFICIARY)
    if person.doses:
        raise Refused(Code.GENERAL, "A vaccinated beneficiary cannot be deleted")
    del register.people[person.id]
    return Reply(204, effects=(Effect(EffectKind.DELETION, person.id, person.id),))


def _enter(register: Register, call: Call, form: Form, name: str, mobile: str) -> Reply:
    person = Person(
        id=new_id(register.draw, register.people),
        name=name,
        birth_year=_birth_year(form, india_day(call.at).year),
        gender_id=form.choice("gender_id", GENDERS),
        mobile=mobile,
        photo_id_type=form.choice("photo_id_type", ID_TYPES),
        photo_id_number=form.text("photo_id_number"),
    )
    register.people[person.id] = person
    effect = Effect(EffectKind.REGISTRATION, person.id, _natural_key(person))
    return json_reply(200, {"beneficiary_reference_id": person.id}, effect)


def _birth_year(form: Form, this_year: int) -> str:
    year = form.text("birth_year", r"\d{4}")
    if not OLDEST_YEAR <= int(year) <= this_year:
        raise Refused(Code.GENERAL, "birth_year is missing or invalid")
    return year


def _natural_key(person: Person) -> str:
    """Return what makes two registrations the same person's (UPSTREAMS §1)."""
    return "/".join((person.mobile, person.name.casefold(), person.birth_year, str(person.gender_id), person.photo_id_number[-4:]))
