"""Puts the simulator together: a national API, its ledger and its faults, behind a data port and a control port."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aiohttp import web

from simulator import clock, control
from simulator.cowin import control as cowin_control
from simulator.cowin.api import Cowin
from simulator.cowin.form import india_day
from simulator.cowin.register import Register, Repeat, Rules
from simulator.data_port import DataPort
from simulator.exchange import NationalApi
from simulator.faults.board import Board
from simulator.faults.fault import Trouble
from simulator.fhir import control as fhir_control
from simulator.fhir.api import Fhir
from simulator.fhir.opening import opened as fhir_opened
from simulator.ledger import Ledger
from simulator.line import Line
from simulator.people import population

if TYPE_CHECKING:
    from simulator.certificates import Certificates


class Api(StrEnum):
    """Which kind of national server."""

    COWIN = "cowin"
    FHIR = "fhir"


class Simulator:
    """
    A national server that is up while the `async with` block runs; port 0 picks a free one.

    The same seed gives the same people, ids and struck requests on the same day. `register` is what a CoWIN server knows, `shelf` what
    a FHIR server does; the one that *api* does not ask for is empty.
    """

    def __init__(  # noqa: PLR0913 - one option, one argument
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        seed: int = 1,
        people: int = 200,
        repeat: Repeat = Repeat.APPLY,
        api: Api = Api.COWIN,
        tls: bool = False,
    ) -> None:
        today = india_day(clock.now().at)
        self.register = _opened(people if api is Api.COWIN else 0, seed, today)
        self.register.rules = Rules(repeat=repeat)
        self.shelf = fhir_opened(people if api is Api.FHIR else 0, seed, today)
        self._is = api
        self.ledger = Ledger()
        self._certificates = _certified(host) if tls else None
        self._line = Line(host, port, self._serve, self._certificates)
        self.faults = Board(self._line, Random(seed))
        self._data = DataPort(self._api(), self.ledger, self.faults)
        self._control = web.AppRunner(self._control_app(), access_log=None)
        self._control_port = control_port

    async def __aenter__(self) -> Self:
        """Listen on both ports; OSError if one is taken."""
        try:
            await self._line.start()
            await self._control.setup()
            await web.TCPSite(self._control, self._line.host, self._control_port).start()
        except OSError:
            await self._stop()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close both ports; what is being served is given up."""
        await self._stop()

    @property
    def url(self) -> str:
        """Origin of the data port; the API is below `/api`, a FHIR server's below `/fhir`."""
        origin = _origin(self._line.host, self._line.port)
        return origin if self._certificates is None else origin.replace("http", "https", 1)

    @property
    def authority_pem(self) -> str:
        """The certificate (PEM) of the authority that a client of a TLS port has to trust; empty without TLS."""
        return "" if self._certificates is None else self._certificates.authority_pem

    @property
    def control_url(self) -> str:
        """Origin of the control port."""
        return _origin(self._line.host, self._control.addresses[0][1])

    @property
    def connections(self) -> int:
        """How many connections to the data port are open."""
        return self._line.connections

    def _api(self) -> NationalApi:
        return Cowin(self.register) if self._is is Api.COWIN else Fhir(self.shelf)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._data.serve(request)

    async def _stop(self) -> None:
        await self._line.begin(Trouble.CUT)
        await self._data.stop()
        await self._line.stop()
        await self._control.cleanup()

    def _control_app(self) -> web.Application:
        app = web.Application()
        app.add_routes(control.routes(self.faults, self.ledger))
        app.add_routes(cowin_control.routes(self.register) if self._is is Api.COWIN else fhir_control.routes(self.shelf))
        return app


def _opened(people: int, seed: int, today: date) -> Register:
    draw = Random(seed)
    return Register.opened(population(people, draw, today), draw, today)


def _certified(host: str) -> Certificates:
    from simulator.certificates import Certificates

    return Certificates(host)


def _origin(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
