"""What one client may take of us: time, bytes, connections. All in one place; the tests pass shorter times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TARGET_MAX: Final = 8000
"""Bytes of a request's target; the least that RFC 9112 §3 wants to be possible."""

FIELD_MAX: Final = 8190
"""Bytes of one header field; bearer tokens are the longest there are."""

FIELDS_MAX: Final = 128
"""Header fields of one request."""

HEAD_MAX: Final = 64 * 1024
"""Bytes of a head that is not complete: the fields together may not take what each may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Of each port.

    A half-sent request is closed within `head_s` or `body_s` and `lingering_s`, together less than 15 s; a desk on a slow line is not cut
    as long as something arrives every ten seconds and 256 bytes a second on the average: the worst GPRS carries four times that.
    """

    head_s: float = 10.0
    """From the connection, or the first byte of a later request, to the end of the head; as long for TLS to be agreed on."""

    idle_s: float = 75.0
    """A connection that is kept without a request; longer than the pause between two people at a desk, mostly."""

    body_s: float = 10.0
    """Between two parts of a body; and the time by which a body may lag behind `body_bytes_per_s`."""

    body_bytes_per_s: float = 256.0
    """Least average rate of a body."""

    lingering_s: float = 2.0
    """How long what still arrives is read after an answer that did not wait for it: else the client's system drops that answer."""

    stalled_s: float = 60.0
    """How long a client may take to read what is ready for it (some 50 KiB at a time); longer than an upstream's answer may take."""

    connections: int = 400
    """Connections at a time. Each may need one upstream, and Linux gives a process 1024 in all."""

    listeners: int = 64
    """Of these connections, those that wait for events of the status; a browser has one for each page that listens."""

    passed_max: int = 64 * 1024 * 1024
    """Bytes of a body that is passed on without being kept; it is never in memory as a whole."""


SIDE_PORT: Final = Limits(connections=32)
"""Of the admin port and of the metrics port: a person or two and a Prometheus ask there, and no desk may go without for them."""
