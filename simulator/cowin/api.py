"""The table of CoWIN's routes, and the way from a request to its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Final

from simulator.cowin import appointments, log_in, lookups, masters, registration, vaccination
from simulator.cowin.access import require_key
from simulator.cowin.refusals import Refused, Unauthenticated
from simulator.cowin.register import Register
from simulator.exchange import Call, Reply, json_reply

BASE: Final = "/api"


@dataclass(frozen=True, slots=True)
class Route:
    """One call; `path` is below `BASE`, with `*` for one segment; `keyed` calls need the `x-api-key`."""

    method: str
    path: str
    work: Callable[[Register, Call], Reply]
    keyed: bool = True

    def covers(self, path: str) -> bool:
        """Tell whether *path* is this route's."""
        return fnmatchcase(path, BASE + self.path) and path.count("/") == (BASE + self.path).count("/")


ROUTES: Final = (
    Route("POST", "/v2/vaccinator/beneficiaries/new", registration.register_walk_in),
    Route("POST", "/v2/vaccinator/beneficiaries/vaccinate", vaccination.vaccinate),
    Route("GET", "/v2/vaccinator/beneficiaries/findByReferenceId", lookups.find_by_reference_id),
    Route("GET", "/v2/vaccinator/beneficiaries/findByMobile", lookups.find_by_mobile),
    Route("POST", "/v2/vaccinator/onspots/schedule", appointments.schedule_on_spot),
    Route("GET", "/v2/vaccinator/certificate/download", lookups.download_certificate),
    Route("POST", "/v2/registration/beneficiary/new", registration.register_citizen),
    Route("POST", "/v2/registration/beneficiary/delete", registration.delete),
    Route("POST", "/v2/appointment/schedule", appointments.schedule),
    Route("POST", "/v2/appointment/reschedule", appointments.reschedule),
    Route("POST", "/v2/appointment/cancel", appointments.cancel),
    Route("GET", "/v2/appointment/sessions/findByDistrict", lookups.sessions_by_district),
    Route("GET", "/v2/appointment/sessions/findByPin", lookups.sessions_by_pin),
    Route("POST", "/v2/auth/generateMobileOTP", log_in.send_otp, keyed=False),
    Route("POST", "/v2/auth/validateMobileOtp", log_in.confirm_otp, keyed=False),
    Route("GET", "/v2/registration/beneficiary/genders", masters.genders, keyed=False),
    Route("GET", "/v2/registration/beneficiary/idTypes", masters.id_types, keyed=False),
    Route("GET", "/v2/admin/location/states", masters.states, keyed=False),
    Route("GET", "/v2/admin/location/districts/*", masters.districts, keyed=False),
)


class Cowin:
    """The API over its register."""

    def __init__(self, register: Register) -> None:
        self.register = register

    def answer(self, call: Call) -> Reply:
        """Do what *call* asks, at once and entirely, and return the answer."""
        found = {route.method: route for route in ROUTES if route.covers(call.path)}
        route = found.get("GET" if call.method == "HEAD" else call.method)
        if route is None:
            return _unrouted(call.method, tuple(found))
        try:
            if route.keyed:
                require_key(call, self.register.api_keys)
            return route.work(self.register, call)
        except (Refused, Unauthenticated) as verdict:
            return verdict.reply()

    def unauthenticated(self) -> Reply:
        """Return the answer to a credential that is not accepted."""
        return Unauthenticated().reply()


def _unrouted(method: str, methods: tuple[str, ...]) -> Reply:
    """Return the answer for a path or method that is not there; how CoWIN words these is not known."""
    if not methods:
        return json_reply(HTTPStatus.NOT_FOUND, {"message": "Not Found"})
    allow = ("Allow", ", ".join(("OPTIONS", *methods, *(["HEAD"] if "GET" in methods else []))))
    if method == "OPTIONS":
        return Reply(HTTPStatus.NO_CONTENT, fields=(allow,))
    refused = json_reply(HTTPStatus.METHOD_NOT_ALLOWED, {"message": "Method Not Allowed"})
    return Reply(refused.status, refused.content_type, refused.body, (allow,))
