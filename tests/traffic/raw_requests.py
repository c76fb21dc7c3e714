"""
Raw requests, what each is answered, and what goes up: as a table to read.

A row is a name, the request, the statuses of the answers, and the requests upstream as `METHOD target body`. `get` and `post` are whole
requests to a pass route with the given fields and body; what they leave out is `Host: d` and `Connection: close`.
"""

from __future__ import annotations

from typing import Final

ROW = tuple[str, bytes, list[int], list[str]]

X: Final = b"/api/v2/auth/x"
UP: Final = "/api/v2/auth/x"


def whole(line: bytes, *fields: bytes, body: bytes = b"", host: bytes | None = b"Host: d") -> bytes:
    head = [line, *([] if host is None else [host]), *fields, b"Connection: close", b"", b""]
    return b"\r\n".join(head) + body


def get(*fields: bytes, target: bytes = X, host: bytes | None = b"Host: d") -> bytes:
    return whole(b"GET " + target + b" HTTP/1.1", *fields, host=host)


def post(*fields: bytes, body: bytes = b"{}") -> bytes:
    return whole(b"POST " + X + b" HTTP/1.1", *fields, body=body)


def length(value: bytes) -> bytes:
    return post(b"Content-Length: " + value)


def coded(value: bytes, body: bytes) -> bytes:
    return post(b"Transfer-Encoding: " + value, body=body)


CHUNKED: Final = b"2\r\n{}\r\n0\r\n\r\n"
WHOLE: Final[list[str]] = [f"POST {UP} {{}}"]
ASKED: Final[list[str]] = [f"GET {UP}"]

TABLE: Final[list[ROW]] = [
    ("plain", get(), [200], ASKED),
    ("an empty line before it", b"\r\n" + get(), [200], ASKED),
    ("two in one packet", get().replace(b"Connection: close\r\n", b"") + get(target=X + b"2"), [200, 200], [*ASKED, f"GET {UP}2"]),
    # ---- the host
    ("no host", get(host=None), [400], []),
    ("two hosts", get(b"Host: e"), [400], []),
    ("a blank in the host", get(host=b"Host: a b"), [400], []),
    ("a path in the host", get(host=b"Host: a/b"), [400], []),
    ("a user in the host", get(host=b"Host: u@a"), [400], []),
    ("an empty host", get(host=b"Host:"), [200], ASKED),
    ("an IPv6 host", get(host=b"Host: [::1]:8480"), [200], ASKED),
    # ---- versions
    ("HTTP/1.0", b"GET " + X + b" HTTP/1.0\r\n\r\n", [200], ASKED),
    ("HTTP/1.0, kept", b"GET " + X + b" HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET " + X + b" HTTP/1.0\r\n\r\n", [200, 200], ASKED * 2),
    ("HTTP/0.9", b"GET " + X + b"\r\n\r\n", [505], []),
    ("HTTP/1.2", whole(b"GET " + X + b" HTTP/1.2"), [400], []),
    ("HTTP/2.0", whole(b"GET " + X + b" HTTP/2.0"), [505], []),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], []),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", [400], []),
    # ---- methods
    ("CONNECT", whole(b"CONNECT d:80 HTTP/1.1"), [405], []),
    ("CONNECT with a path", whole(b"CONNECT " + X + b" HTTP/1.1"), [405], []),
    ("TRACE", whole(b"TRACE " + X + b" HTTP/1.1"), [405], []),
    ("an unknown method", whole(b"BREW " + X + b" HTTP/1.1"), [400], []),
    ("a method in small letters", whole(b"get " + X + b" HTTP/1.1"), [400], []),
    # ---- targets
    ("absolute, of a foreign host", get(target=b"http://elsewhere.example" + X), [200], ASKED),
    ("absolute, with a user", get(target=b"http://u:p@elsewhere.example" + X), [200], ASKED),
    ("absolute, without a path", get(target=b"http://e?x=/api/v2"), [200], ["GET /?x=/api/v2"]),
    ("absolute, of another scheme", get(target=b"ftp://e" + X), [400], []),
    ("a fragment", get(target=X + b"#there"), [400], []),
    ("a fragment in the query", get(target=X + b"?a#b"), [400], []),
    ("*", get(target=b"*"), [400], []),
    ("OPTIONS *", whole(b"OPTIONS * HTTP/1.1"), [400], []),
    ("authority", get(target=b"d:80"), [400], []),
    ("no slash before it", get(target=X[1:]), [400], []),
    ("two slashes before it", get(target=b"/" + X), [400], []),
    ("two slashes in it", get(target=b"/api//v2/auth/x"), [400], []),
    ("..", get(target=b"/api/v2/auth/../vaccinator"), [400], []),
    ("..;", get(target=b"/api/v2/auth/..;a=1/vaccinator"), [400], []),
    (".. encoded", get(target=b"/api/v2/%2e%2E/vaccinator"), [400], []),
    (".. encoded twice", get(target=b"/api/v2/%252e%252e/vaccinator"), [400], []),
    (".. and encoded slashes", get(target=b"/api/v2/auth/x%2f..%2fy"), [400], []),
    ("backslashes", get(target=b"/api/v2\\auth"), [400], []),
    ("encoded backslashes", get(target=b"/api/v2%5Cauth"), [400], []),
    ("an encoded line break", get(target=X + b"%0d%0aX:%20y"), [400], []),
    ("an encoded line break in the query", get(target=X + b"?a=%0d%0a"), [200], [f"GET {UP}?a=%0d%0a"]),
    ("an encoded NUL", get(target=X + b"%00"), [400], []),
    ("bytes above ASCII", get(target=X + b"\xc3\xa9"), [400], []),
    ("a broken encoding", get(target=X + b"%zz%"), [200], [f"GET {UP}%zz%"]),
    ("a long target", get(target=X + b"a" * 8000), [414], []),
    # ---- lines
    ("a line folded", get(b"X-A: a\r\n b"), [400], []),
    ("line feeds alone", b"GET " + X + b" HTTP/1.1\nHost: d\n\n", [400], []),
    ("a carriage return alone", get(b"X-A: a\rb"), [400], []),
    ("a blank before the colon", get(b"X-A : a"), [400], []),
    ("a blank before the name", get(b" X-A: a"), [400], []),
    ("no colon", get(b"X-A"), [400], []),
    ("no name", get(b": a"), [400], []),
    ("NUL", get(b"X-A: a\0b"), [400], []),
    ("a control character", get(b"X-A: a\x01b"), [400], []),
    ("an odd name", get(b"X@(: a"), [400], []),
    ("a name above ASCII", get(b"X-\xc3\xa9: a"), [400], []),
    ("a tab in the first line", whole(b"GET\t" + X + b" HTTP/1.1"), [400], []),
    ("a blank after the first line", whole(b"GET " + X + b" HTTP/1.1 "), [400], []),
    ("129 fields", get(*(b"X-%d: a" % number for number in range(129))), [431], []),
    ("a long field", get(b"X-A: " + b"a" * 9000), [431], []),
    ("a long name", get(b"X" * 9000 + b": a"), [431], []),
    # ---- lengths
    ("a length", length(b"2"), [200], WHOLE),
    ("two lengths alike", post(b"Content-Length: 2", b"Content-Length: 2"), [400], []),
    ("two lengths", post(b"Content-Length: 2", b"Content-Length: 3"), [400], []),
    ("a list of lengths", length(b"2, 2"), [400], []),
    ("+2", length(b"+2"), [400], []),
    ("-2", length(b"-2"), [400], []),
    ("0x2", length(b"0x2"), [400], []),
    ("2.0", length(b"2.0"), [400], []),
    ("no number", length(b""), [400], []),
    ("more than 64 bits", length(b"18446744073709551618"), [400], []),
    ("more than the cap", length(b"67108865"), [413], []),
    # ---- transfer codings
    ("chunked", coded(b"chunked", CHUNKED), [200], WHOLE),
    ("chunked with an extension", coded(b"chunked", b"2;a=b\r\n{}\r\n0\r\n\r\n"), [200], WHOLE),
    ("chunked with a trailer", coded(b"chunked", b"2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n"), [200], WHOLE),
    ("a length and chunked", post(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=CHUNKED), [400], []),
    ("chunked and a length", post(b"Transfer-Encoding: chunked", b"Content-Length: 2", body=CHUNKED), [400], []),
    ("chunked twice", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKED), [400], []),
    ("chunked in HTTP/1.0", b"POST " + X + b" HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED, [400], []),
    ("gzip, chunked", coded(b"gzip, chunked", CHUNKED), [501], []),
    ("chunked, gzip", coded(b"chunked, gzip", CHUNKED), [400], []),
    ("identity", coded(b"identity", b"{}"), [400], []),
    ("xchunked", coded(b"xchunked", CHUNKED), [400], []),
    ("a vertical tab before chunked", coded(b"\x0bchunked", CHUNKED), [400], []),
    ("a chunk of 0x2", coded(b"chunked", b"0x2\r\n{}\r\n0\r\n\r\n"), [400], []),
    ("a blank after a chunk's size", coded(b"chunked", b"2 \r\n{}\r\n0\r\n\r\n"), [400], []),
    ("line feeds in chunks", coded(b"chunked", b"2\n{}\n0\n\n"), [400], []),
    ("an extension that hides a line", coded(b"chunked", b"2;\n\r\n{}\r\n0\r\n\r\n"), [400], []),
    ("a chunk of more than 64 bits", coded(b"chunked", b"ffffffffffffffff2\r\n{}\r\n0\r\n\r\n"), [400], []),
    # ---- what is of one connection only
    ("an upgrade to WebSocket", get(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: eA=="), [200], ASKED),
    ("an upgrade to HTTP/2", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"), [200], ASKED),
    ("100-continue", post(b"Expect: 100-continue", b"Content-Length: 2"), [100, 200], WHOLE),
    ("another expectation", post(b"Expect: 200-ok", b"Content-Length: 2"), [417], []),
    ("an empty expectation", post(b"Expect:", b"Content-Length: 2"), [200], WHOLE),
    ("an expectation in HTTP/1.0", b"GET " + X + b" HTTP/1.0\r\nExpect: 200-ok\r\n\r\n", [200], ASKED),
    ("a length named in Connection", post(b"Connection: content-length", b"Content-Length: 2"), [200], WHOLE),
    # ---- what follows
    ("no HTTP after a request", get().replace(b"Connection: close\r\n", b"") + b"GARBAGE\r\n\r\n", [400], []),
    ("a request behind the last", length(b"2") + get(target=X + b"2"), [400], []),
    ("a line break behind the last", length(b"2") + b"\r\n", [200], WHOLE),
    ("a request within a body", post(b"Content-Length: %d" % len(get()), body=get()), [200], [f"POST {UP} {get().decode()}".strip()]),
    (
        "a request behind an upgrade",
        get(b"Upgrade: websocket").replace(b"close", b"Upgrade") + get(target=X + b"2"),
        [200, 200],
        [*ASKED, f"GET {UP}2"],
    ),
]
