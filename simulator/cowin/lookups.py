"""What desks and citizens look at: people, sessions, certificates."""

from __future__ import annotations

from typing import Final

from simulator.cowin.centres import DISTRICT_ID, PIN_CODE
from simulator.cowin.certificate import certificate
from simulator.cowin.masters import GENDERS, ID_TYPES
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Appointment, Register
from simulator.exchange import Call, Reply, json_reply
from simulator.people import Person

STATUS_BY_DOSES: Final = ("Not Vaccinated", "Partially Vaccinated", "Vaccinated")


def find_by_reference_id(register: Register, call: Call) -> Reply:
    """Return one person."""
    person = register.person(call.query.get("beneficiary_reference_id", ""))
    return json_reply(200, {"beneficiaries": [_shown(register, person)]})


def find_by_mobile(register: Register, call: Call) -> Reply:
    """Return everybody registered under a mobile."""
    mobile = call.query.get("mobile_number", "")
    found = [_shown(register, person) for person in register.people.values() if person.mobile == mobile]
    if not found:
        raise Refused(Code.NO_BENEFICIARY, "No beneficiary found for the provided mobile number")
    return json_reply(200, {"beneficiaries": found})


def sessions_by_district(register: Register, call: Call) -> Reply:
    """Return the sessions of a district on a day."""
    return _sessions(register, call.query.get("date"), ours=call.query.get("district_id") == str(DISTRICT_ID))


def sessions_by_pin(register: Register, call: Call) -> Reply:
    """Return the sessions of a postal code on a day."""
    return _sessions(register, call.query.get("date"), ours=call.query.get("pincode") == PIN_CODE)


def download_certificate(register: Register, call: Call) -> Reply:
    """Return a vaccinated person's certificate as PDF."""
    person = register.person(call.query.get("beneficiary_reference_id", ""))
    if not person.doses:
        raise Refused(Code.GENERAL, "Beneficiary is not yet vaccinated")
    return Reply(200, "application/pdf", certificate(person))


def _sessions(register: Register, day: str | None, *, ours: bool) -> Reply:
    found = [session.as_json() for session in register.sessions.values() if ours and session.day == day]
    return json_reply(200, {"sessions": found})


def _shown(register: Register, person: Person) -> dict[str, object]:
    """Return *person* as the server shows people: mobile and photo id masked, no batch."""
    first, second = person.doses.get(1), person.doses.get(2)
    return {
        "beneficiary_reference_id": person.id,
        "name": person.name,
        "birth_year": person.birth_year,
        "gender": GENDERS[person.gender_id],
        "mobile_number": f"******{person.mobile[-4:]}",
        "photo_id_type": ID_TYPES[person.photo_id_type],
        "photo_id_number": f"********{person.photo_id_number[-4:]}",
        "vaccination_status": STATUS_BY_DOSES[len(person.doses)],
        "vaccine": next((dose.vaccine for dose in (second, first) if dose), ""),
        "dose1_date": first.day if first else "",
        "dose2_date": second.day if second else "",
        "appointments": [_booking(register, appointment) for appointment in register.appointments_of(person.id)],
    }


def _booking(register: Register, booked: Appointment) -> dict[str, object]:
    session = register.sessions[booked.session_id]
    return {
        "appointment_id": booked.id,
        "session_id": session.id,
        "center_id": session.center_id,
        "date": session.day,
        "slot": booked.slot,
        "dose": booked.dose,
    }
