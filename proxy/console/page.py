"""
The console's page: a few static files and its texts, which hold nothing of the centre.

What the page shows of the centre it asks for itself, with the token (`proxy.console.page_feed`, `proxy.console.api`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import ETag, hdrs, web

from proxy.console.page_texts import texts
from proxy.texts import LANGUAGES, preferred

INDEX: Final = "index.html"
FOLDER: Final = "/console/"
TEXTS_PATH: Final = f"{FOLDER}texts"

KINDS: Final[Mapping[str, str]] = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
"""How a file's name ends → its content type."""

STRICT: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-cache",  # after an upgrade no browser goes on with the old scripts
}
"""With every file: whatever a record says, a browser runs nothing but these scripts, and asks nobody but this port."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file as it is served."""

    content: bytes
    kind: str

    @property
    def etag(self) -> str:
        """Return what tells one content from another."""
        return sha256(self.content).hexdigest()[:32]


def page_files() -> dict[str, PageFile]:
    """Return the files by their paths."""
    folder = files("proxy.console") / "page"
    found = {file.name: PageFile(file.read_bytes(), KINDS[file.name.rpartition(".")[2]]) for file in folder.iterdir()}
    return {"/" if name == INDEX else FOLDER + name: file for name, file in found.items()}


def page_routes(served: Mapping[str, PageFile]) -> list[web.RouteDef]:
    """Return a route for each of the files, and one for the texts."""
    return [*(web.get(path, _handler(file)) for path, file in served.items()), web.get(TEXTS_PATH, _texts)]


def language_of(request: web.Request) -> str:
    """Return the language that `?lang=` names, or else Accept-Language."""
    named = request.query.get("lang")
    return named if named in LANGUAGES else preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def _handler(file: PageFile) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        etag = ETag(file.etag)
        if etag in (request.if_none_match or ()):
            response = web.Response(status=304, headers=STRICT)
        else:
            response = web.Response(body=file.content, content_type=file.kind, charset="utf-8", headers=STRICT)
        response.etag = etag
        return response

    return handle


async def _texts(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(texts(language_of(request))), content_type="application/json", headers=STRICT)
