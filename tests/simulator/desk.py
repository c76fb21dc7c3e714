from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

import aiohttp
import orjson

from simulator import Simulator

VACCINATE = "/vaccinator/beneficiaries/vaccinate"
REGISTER = "/vaccinator/beneficiaries/new"
PATIENCE_S = 15.0


class Answer(NamedTuple):
    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def verdict(self) -> tuple[int, str]:
        """Status and CoWIN's error code."""
        return self.status, self.json.get("errorCode", "")


class Desk:
    """A desk's software and an operator in one: a client of both ports."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.http = http

    def anybody(self, doses: int = 0, nth: int = 0) -> str:
        """Return somebody on the register who has had so many doses."""
        return [person.id for person in self.sim.register.people.values() if len(person.doses) == doses][nth]

    async def call(self, method: str, path: str, body: object = None, **fields: str) -> Answer:
        headers = {"x-api-key": "demo-key"} | {name.replace("_", "-"): value for name, value in fields.items()}
        return await self._ask(method, f"{self.sim.url}/api/v2{path}", body, headers)

    async def control(self, method: str, path: str, body: object = None) -> Answer:
        return await self._ask(method, self.sim.control_url + path, body, {})

    async def register(self, **changed: object) -> Answer:
        person: dict[str, object] = {
            "name": "Lakshmi Nair",
            "birth_year": "1962",
            "gender_id": 2,
            "mobile_number": "9000000001",
            "photo_id_type": 1,
            "photo_id_number": "4821",
            "comorbidity_ind": "N",
            "consent_version": "1",
        }
        return await self.call("POST", REGISTER, person | changed)

    async def vaccinate(self, person: str, number: int = 1, order: int | None = None, **changed: object) -> Answer:
        dose: dict[str, object] = {
            "beneficiary_reference_id": person,
            "center_id": 563048,
            "vaccine": "COVISHIELD",
            "vaccine_batch": "4121Z012",
            "dose": number,
            f"dose{number}_date": "23-06-2021",
            "vaccinator_name": "Prabha Devi",
        }
        fields = {} if order is None else {"Desk_Sequence": str(order)}
        return await self.call("POST", VACCINATE, dose | changed, **fields)

    async def log_in(self, mobile: str) -> str:
        """Log a citizen in, and return what goes into Authorization."""
        transaction = (await self.call("POST", "/auth/generateMobileOTP", {"mobile": mobile})).json["txnId"]
        messages = (await self.control("GET", "/_sim/messages")).json
        otp: str = next(message["otp"] for message in messages if message["transaction"] == transaction)
        proof = {"otp": sha256(otp.encode()).hexdigest(), "txnId": transaction}
        return f"Bearer {(await self.call('POST', '/auth/validateMobileOtp', proof)).json['token']}"

    async def _ask(self, method: str, url: str, body: object, headers: dict[str, str]) -> Answer:
        async with self.http.request(method, url, json=body, headers=headers, allow_redirects=False) as answer:
            return Answer(answer.status, answer.content_type, dict(answer.headers), await answer.read())


async def until(holds: Callable[[], bool]) -> None:
    """Let the others run until *holds*."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
