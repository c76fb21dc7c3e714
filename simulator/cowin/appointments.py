"""Bookings, which compete for the places that are left: by citizens, and on the spot at a desk."""

from __future__ import annotations

from dataclasses import replace

from simulator.cowin.access import mobile_of
from simulator.cowin.centres import SLOTS, Session
from simulator.cowin.form import Form
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Appointment, Register
from simulator.exchange import Call, Effect, EffectKind, Reply, json_reply


def schedule_on_spot(register: Register, call: Call) -> Reply:
    """Book walk-ins into a session of today."""
    return _book(register, Form(call.body))


def schedule(register: Register, call: Call) -> Reply:
    """Book people for one dose, as a citizen."""
    mobile_of(call, register.secret)
    return _book(register, Form(call.body))


def reschedule(register: Register, call: Call) -> Reply:
    """Move a booking to another session or slot."""
    mobile_of(call, register.secret)
    form = Form(call.body)
    booked = _appointment(register, form)
    session, slot = _place(register, form)
    if session.id != booked.session_id:
        _take(session, len(booked.people))
        register.sessions[booked.session_id].free += len(booked.people)
    register.appointments[booked.id] = replace(booked, session_id=session.id, slot=slot)
    return Reply(204, effects=_effects(EffectKind.BOOKING, booked.people, f"{booked.id}/{session.id}/{slot}"))


def cancel(register: Register, call: Call) -> Reply:
    """Take people off a booking; with the last of them it is gone."""
    mobile_of(call, register.secret)
    form = Form(call.body)
    booked = _appointment(register, form)
    leaving = tuple(person for person in form.texts("beneficiariesToCancel") if person in booked.people)
    staying = tuple(person for person in booked.people if person not in leaving)
    register.sessions[booked.session_id].free += len(leaving)
    if staying:
        register.appointments[booked.id] = replace(booked, people=staying)
    else:
        del register.appointments[booked.id]
    return Reply(204, effects=_effects(EffectKind.CANCELLATION, leaving, booked.id))


def _book(register: Register, form: Form) -> Reply:
    dose = form.choice("dose", (1, 2))
    session, slot = _place(register, form)
    people = tuple(dict.fromkeys(form.texts("beneficiaries")))
    for person_id in people:
        _check_bookable(register, person_id, dose)
    _take(session, len(people))
    booked = Appointment(register.new_uuid(), session.id, slot, dose, people)
    register.appointments[booked.id] = booked
    return json_reply(200, {"appointment_confirmation_no": booked.id}, *_effects(EffectKind.BOOKING, people, booked.id))


def _check_bookable(register: Register, person_id: str, dose: int) -> None:
    person = register.person(person_id)
    if dose > 1 and 1 not in person.doses:
        raise Refused(Code.FIRST_DOSE_MISSING)
    if any(booked.dose == dose for booked in register.appointments_of(person_id)):
        raise Refused(Code.BOOKING_EXISTS)


def _place(register: Register, form: Form) -> tuple[Session, str]:
    session, slot = register.sessions.get(form.text("session_id")), form.text("slot")
    if session is None or slot not in SLOTS:
        raise Refused(Code.BAD_SLOT)
    return session, slot


def _take(session: Session, places: int) -> None:
    if session.free < places:
        raise Refused(Code.FULL)
    session.free -= places


def _appointment(register: Register, form: Form) -> Appointment:
    booked = register.appointments.get(form.text("appointment_id"))
    if booked is None:
        raise Refused(Code.GENERAL, "No appointment found for the provided id")
    return booked


def _effects(kind: EffectKind, people: tuple[str, ...], what: str) -> tuple[Effect, ...]:
    return tuple(Effect(kind, person, f"{what}/{person}") for person in people)
