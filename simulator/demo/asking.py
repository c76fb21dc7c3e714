"""Asks the processes of the demo over HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp

from simulator.demo.processes import Failed


async def asked(http: aiohttp.ClientSession, method: str, url: str, body: object = None) -> Any:  # noqa: ANN401 - whatever the page is made of
    """
    Return what *url* answers, read as JSON; None for an empty answer.

    Raises:
        Failed: It has no good answer.
    """
    try:
        async with http.request(method, url, json=body) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Failed(f"{method} {url} got no good answer: {str(error) or type(error).__name__}") from error
