"""Third-party FHIR clients as a centre's software would use them, each behind the same four verbs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from fhirclient import client as fhirclient
from fhirclient.models.immunization import Immunization
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome

Resource = dict[str, Any]
TYPE = "application/fhir+json"


class Failed(Exception):
    """The client raised, or was answered with an error: what it shows a person."""


class Client(Protocol):
    """Resources go in and come out as plain JSON; whatever a client makes of an answer in between is its own."""

    async def create(self, resource: Resource) -> Resource: ...

    async def update(self, resource: Resource) -> Resource: ...

    async def search(self, person: str) -> list[Resource]: ...

    async def close(self) -> None: ...


@dataclass
class FhirpyAsync:
    url: str

    def __post_init__(self) -> None:
        self._client = AsyncFHIRClient(self.url)

    async def create(self, resource: Resource) -> Resource:
        return await self._saved({name: value for name, value in resource.items() if name != "id"})

    async def update(self, resource: Resource) -> Resource:
        return await self._saved(resource)

    async def _saved(self, resource: Resource) -> Resource:
        made = self._client.resource("Immunization", **_without_type(resource))
        try:
            await made.save()
        except OperationOutcome as error:
            raise Failed(_text(error.resource)) from error
        return _plain(made)

    async def search(self, person: str) -> list[Resource]:
        try:
            return [_plain(found) for found in await self._client.resources("Immunization").search(patient=person).fetch()]
        except OperationOutcome as error:
            raise Failed(_text(error.resource)) from error

    async def close(self) -> None: ...


@dataclass
class FhirpySync:
    url: str

    def __post_init__(self) -> None:
        self._client = SyncFHIRClient(self.url)

    async def create(self, resource: Resource) -> Resource:
        return await asyncio.to_thread(self._saved, {name: value for name, value in resource.items() if name != "id"})

    async def update(self, resource: Resource) -> Resource:
        return await asyncio.to_thread(self._saved, resource)

    def _saved(self, resource: Resource) -> Resource:
        made = self._client.resource("Immunization", **_without_type(resource))
        try:
            made.save()
        except OperationOutcome as error:
            raise Failed(_text(error.resource)) from error
        return _plain(made)

    async def search(self, person: str) -> list[Resource]:
        return await asyncio.to_thread(self._found, person)

    def _found(self, person: str) -> list[Resource]:
        try:
            return [_plain(found) for found in self._client.resources("Immunization").search(patient=person).fetch()]
        except OperationOutcome as error:
            raise Failed(_text(error.resource)) from error

    async def close(self) -> None: ...


@dataclass
class Fhirclient:
    url: str

    def __post_init__(self) -> None:
        self._server = fhirclient.FHIRClient(settings={"app_id": "desk", "api_base": self.url}).server

    async def create(self, resource: Resource) -> Resource:
        return await asyncio.to_thread(self._tried, lambda: Immunization(resource).create(self._server))

    async def update(self, resource: Resource) -> Resource:
        return await asyncio.to_thread(self._tried, lambda: Immunization(resource).update(self._server))

    async def search(self, person: str) -> list[Resource]:
        def found() -> list[Resource]:
            return [one.as_json() for one in Immunization.where({"patient": person}).perform_resources_iter(self._server)]

        return await asyncio.to_thread(self._tried, found)

    def _tried(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:  # whatever it raises carries the answer
            response = getattr(error, "response", None)
            if response is None:
                raise
            raise Failed(_text(response.json())) from error

    async def close(self) -> None:
        self._server.session.close()


@dataclass
class Httpx:
    url: str

    def __post_init__(self) -> None:
        self._client = httpx.AsyncClient(base_url=self.url, headers={"Content-Type": TYPE, "Accept": TYPE})

    async def create(self, resource: Resource) -> Resource:
        return _answered(await self._client.post("/Immunization", json=resource))

    async def update(self, resource: Resource) -> Resource:
        return _answered(await self._client.put(f"/Immunization/{resource['id']}", json=resource))

    async def search(self, person: str) -> list[Resource]:
        bundle = _answered(await self._client.get("/Immunization", params={"patient": f"Patient/{person}"}))
        return [entry["resource"] for entry in bundle.get("entry", [])]

    async def close(self) -> None:
        await self._client.aclose()


@dataclass
class Curl:
    url: str

    async def create(self, resource: Resource) -> Resource:
        return await self._called("-X", "POST", "-d", json.dumps(resource), f"{self.url}/Immunization")

    async def update(self, resource: Resource) -> Resource:
        return await self._called("-X", "PUT", "-d", json.dumps(resource), f"{self.url}/Immunization/{resource['id']}")

    async def search(self, person: str) -> list[Resource]:
        return [entry["resource"] for entry in (await self._called(f"{self.url}/Immunization?patient={person}")).get("entry", [])]

    async def _called(self, *arguments: str) -> Resource:
        command = ("curl", "-sS", "--noproxy", "*", "-H", f"Content-Type: {TYPE}", "-w", "\n%{http_code}", *arguments)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        body, _, status = said.decode().rpartition("\n")
        answer: Resource = json.loads(body)
        if int(status) >= 400:
            raise Failed(_text(answer))
        return answer

    async def close(self) -> None: ...


CLIENTS: dict[str, Callable[[str], Client]] = {
    "fhirpy, async": FhirpyAsync,
    "fhirpy, sync": FhirpySync,
    "fhirclient": Fhirclient,
    "httpx": Httpx,
    "curl": Curl,
}


def _plain(resource: object) -> Resource:
    plain: Resource = json.loads(json.dumps(resource))
    return plain


def _without_type(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "resourceType"}


def _answered(response: httpx.Response) -> Resource:
    answer: Resource = response.json()
    if response.is_error:
        raise Failed(_text(answer))
    return answer


def _text(outcome: Resource) -> str:
    return str(outcome["issue"][0]["details"]["text"])
