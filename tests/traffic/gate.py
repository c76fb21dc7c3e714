"""
A national server with log-ins: a gate that asks for a Bearer token, and behind it the simulator, whose ledger is the judge.

It has a token endpoint (RFC 6749 §4.4, with a secret or a signed assertion that it verifies) and publishes the keys that sign.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_plus

import aiohttp
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from proxy.traffic.clock import Clock

SECRET = "s3cret: with+signs & ümlaut"
CLIENT_ID = "centre 17"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Gate:
    """`life_s` is the life of its tokens; `fault` makes its token endpoint answer that status, or hang (0); `down` breaks all off."""

    upstream: str
    clock: Clock
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    client_key: RSAKey | ECKey | None = None
    life_s: float = 900
    fault: int | None = None
    asked: int = 0
    revoked: set[str] = field(default_factory=set)
    passed: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    assertions: set[str] = field(default_factory=set)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    patience: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, a refusal does not come."""
    keys_away: bool = False
    down: bool = False
    url: str = ""
    _session: aiohttp.ClientSession | None = None

    def token(self, sub: str, *, life_s: float | None = None, key: RSAKey | None = None, **claims: Any) -> str:
        """Return a token as a log-in would give it out."""
        now = self.clock.wall() / 1000
        whole = {"sub": sub, "iat": now, "exp": now + (self.life_s if life_s is None else life_s), "iss": "gate", **claims}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, whole, key or self.key)

    def subject(self, token: str) -> str | None:
        """Return whose *token* is; None where it is no good."""
        try:
            claims = jwt.decode(token, self.key, ["RS256"]).claims
        except Exception:
            return None
        good = claims["exp"] * 1000 > self.clock.wall() and token not in self.revoked
        return str(claims["sub"]) if good else None

    async def until_asked(self, times: int) -> None:
        """Wait until the token endpoint was asked so often."""
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: self.asked >= times)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        answer = await self._answer(request)
        answer.headers["Date"] = formatdate(self.clock.wall() / 1000, usegmt=True)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        if self.down:
            request.transport.abort()
            return web.Response()
        if request.path == "/token":
            return await self._token(request)
        if request.path == "/keys":
            return web.Response(status=503) if self.keys_away else web.json_response(KeySet([self.key]).as_dict(private=False))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        sub = self.subject(token)
        if sub is None and not request.path.endswith("/genders"):
            self.refused.append(token)
            await self.patience.wait()
            return web.Response(status=401, text="Unauthenticated access!")
        assert self._session is not None
        headers = {"Content-Type": request.content_type, "x-api-key": "demo-key"}
        try:
            async with self._session.request(
                request.method, self.upstream + request.raw_path, data=await request.read(), headers=headers
            ) as got:
                answer = web.Response(status=got.status, body=await got.read(), content_type=got.content_type)
        except aiohttp.ClientError:
            request.transport.abort()
            return web.Response()
        self.passed.append((request.path, sub or ""))
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        async with self.news:
            self.asked += 1
            self.news.notify_all()
        if self.fault == 0:
            await asyncio.sleep(30)  # a hanging endpoint is what is tested
        if self.fault:
            return web.json_response({"error": "invalid_client", "error_description": SECRET}, status=self.fault)
        form = await request.post()
        assert form["grant_type"] == "client_credentials"
        if not self._knows(request, {name: str(value) for name, value in form.items()}):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self.token("sidecar", serial=self.asked)
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": self.life_s, "scope": form.get("scope")})

    def _knows(self, request: web.Request, form: dict[str, str]) -> bool:
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            return self._signed(form)
        basic = request.headers.get("Authorization", "").removeprefix("Basic ")
        pair = base64.b64decode(basic).decode().partition(":") if basic else (form["client_id"], ":", form["client_secret"])
        read = unquote_plus if basic else str
        return (read(pair[0]), read(pair[2])) == (CLIENT_ID, SECRET)

    def _signed(self, form: dict[str, str]) -> bool:
        """As SMART backend services want it: RS384 or ES384, for this endpoint, five minutes at most, each once."""
        assert self.client_key is not None
        found = jwt.decode(form["client_assertion"], self.client_key, ["RS384", "ES384"])
        claims, now = found.claims, self.clock.wall() / 1000
        fresh = claims["jti"] not in self.assertions
        self.assertions.add(claims["jti"])
        named = claims["iss"] == claims["sub"] == form["client_id"] == CLIENT_ID and found.header["kid"] == "our-key"
        return fresh and named and claims["aud"] == f"{self.url}/token" and now < claims["exp"] <= now + 300


@asynccontextmanager
async def a_gate(upstream: str, clock: Clock | None = None, tls: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[Gate]:
    """Stand before *upstream* until the block ends."""
    gate = Gate(upstream, clock or Clock(), **more)
    gate.patience.set()
    runner = web.AppRunner(_app(gate), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    gate.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as session:
            gate._session = session
            yield gate
    finally:
        await runner.cleanup()


def _app(gate: Gate) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gate.serve)
    return app


def as_yaml(value: object) -> str:
    """JSON is YAML: what an environment variable for a mapping may hold."""
    return json.dumps(value, ensure_ascii=False)
