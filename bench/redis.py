"""As much of Redis' protocol (RESP2) as a queue needs: requests in one pipeline, so that they share a sync of its log."""

from __future__ import annotations

import asyncio
from collections import deque


class Redis:
    """One connection; answers come in the order of the questions."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._asked: deque[asyncio.Future[bytes | None]] = deque()
        self._connecting: asyncio.Task[asyncio.StreamWriter] | None = None

    async def ask(self, *words: bytes) -> bytes | None:
        """Return the answer to one command, as bytes; None where Redis has nothing."""
        self._connecting = self._connecting or asyncio.create_task(self._connect())
        writer = await self._connecting
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
        return await answer

    async def _connect(self) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._reading = asyncio.create_task(self._read(reader))
        return writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            said: bytes | None = line[1:-2]
            if line.startswith(b"$"):
                said = None if line == b"$-1\r\n" else (await reader.readexactly(int(line[1:]) + 2))[:-2]
            self._asked.popleft().set_result(said)
