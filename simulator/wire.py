"""An answer as bytes, for faults that send it otherwise than whole and at once."""

from __future__ import annotations

from http import HTTPStatus

from simulator.exchange import Reply


def head(reply: Reply, *, with_length: bool = True) -> bytes:
    """Return the head of *reply* on a connection that closes behind it; without its length only the close says where the body ends."""
    fields = [*reply.fields, ("Connection", "close")]
    if reply.content_type is not None:
        fields.append(("Content-Type", reply.content_type))
    if with_length:
        fields.append(("Content-Length", str(len(reply.body))))
    lines = (f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *(f"{name}: {value}" for name, value in fields))
    return "\r\n".join((*lines, "", "")).encode()
