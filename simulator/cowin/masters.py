"""The lists every desk needs: genders, kinds of photo id, states, districts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.cowin.centres import DISTRICTS, STATES
from simulator.cowin.refusals import Code, Refused
from simulator.cowin.register import Register
from simulator.exchange import Call, Reply, json_reply

TTL_H: Final = 24
GENDERS: Final[Mapping[int, str]] = {1: "Male", 2: "Female", 3: "Others"}
ID_TYPES: Final[Mapping[int, str]] = {1: "Aadhaar Card", 2: "Driving License", 6: "PAN Card", 8: "Passport", 12: "Voter ID"}


def genders(register: Register, call: Call) -> Reply:  # noqa: ARG001 - the signature of every route
    """List the genders; also the probe of the shipped profile."""
    return json_reply(200, {"genders": [{"id": key, "gender": name} for key, name in GENDERS.items()], "ttl": TTL_H})


def id_types(register: Register, call: Call) -> Reply:  # noqa: ARG001 - the signature of every route
    """List the kinds of photo id."""
    return json_reply(200, {"idTypes": [{"id": key, "type": name} for key, name in ID_TYPES.items()], "ttl": TTL_H})


def states(register: Register, call: Call) -> Reply:  # noqa: ARG001 - the signature of every route
    """List the states."""
    return json_reply(200, {"states": [{"state_id": key, "state_name": name} for key, name in STATES.items()], "ttl": TTL_H})


def districts(register: Register, call: Call) -> Reply:  # noqa: ARG001 - the signature of every route
    """List the districts of the state that ends the path."""
    state_id = call.path.rpartition("/")[2]
    found = DISTRICTS.get(int(state_id)) if state_id.isdecimal() else None
    if found is None:
        raise Refused(Code.GENERAL, "state_id is missing or invalid")
    return json_reply(200, {"districts": [{"district_id": key, "district_name": name} for key, name in found.items()], "ttl": TTL_H})
