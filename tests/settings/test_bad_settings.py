"""What is wrong with a configuration is told at once, with file, line and what was probably meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.document import DocumentError
from proxy.settings import load_settings

DURATION = "is no duration; write a whole number and a unit, such as 500ms, 3s, 5m, 1h or 30d"
HEADER = "must be text (in quotes if it is a number), {file: PATH} or {env: NAME}"
HOURS = 'must be opening hours that do not overlap, such as "Mon-Fri 09:00-13:00 14:00-17:00, Sat 09:00-13:00"'
URL = "must be an http:// or https:// URL with a host, such as https://server.example/api"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ORIGIN = (
    '"{}" must be an origin as browsers write it: scheme and host in lower case, the port where it is not the usual one, no path; not `*`'
)


def complaints(text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    Path("config.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(DocumentError) as caught:
        load_settings(None, environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # keys
        ("\nlisten:\n  prot: 1\n", 'config.yaml:3: listen.prot: no such key; did you mean "port"?'),
        ("lisen: {}\n", 'config.yaml:1: lisen: no such key; did you mean "listen"?'),
        ("log:\n  xyzzy: 1\n", "config.yaml:2: log.xyzzy: no such key; valid here: level, format"),
        ("log: {level: info}\nlisten: {}\nlog: {}\n", "config.yaml:3: log: given twice; first on line 1"),
        ("listen:\n  port: 1\n  port: 2\n", "config.yaml:3: listen.port: given twice; first on line 2"),
        ("? [a, b]\n: 1\n", "config.yaml:1: a key must be a plain word"),
        # kinds of value
        ("listen: 8480\n", "config.yaml:1: listen: must be a mapping (key: value), not 8480"),
        ("- listen\n", "config.yaml:1: must be a mapping (key: value), not a list"),
        ("listen: {port: web}\n", 'config.yaml:1: listen.port: must be a whole number, not "web"'),
        ("listen: {port: 8480.5}\n", "config.yaml:1: listen.port: must be a whole number, not 8480.5"),
        ("listen: {port: true}\n", "config.yaml:1: listen.port: must be a whole number, not true"),
        ("listen:\n  port: 65536\n", "config.yaml:2: listen.port: must be at most 65535, not 65536"),
        ("listen: {port: -1}\n", "config.yaml:1: listen.port: must be at least 0, not -1"),
        ("listen: {cors_origins: ['*']}\n", f"config.yaml:1: listen.cors_origins[0]: {ORIGIN.format('*')}"),
        (
            "listen: {cors_origins: ['https://desk.example.in/']}\n",
            f"config.yaml:1: listen.cors_origins[0]: {ORIGIN.format('https://desk.example.in/')}",
        ),
        (
            "listen: {cors_origins: ['https://Desk.example.in']}\n",
            f"config.yaml:1: listen.cors_origins[0]: {ORIGIN.format('https://Desk.example.in')}",
        ),
        *(
            (f"listen: {{cors_origins: ['{origin}']}}\n", f"config.yaml:1: listen.cors_origins[0]: {ORIGIN.format(origin)}")
            for origin in ("null", "https://x:443", "http://[::1]:80", "http://x:65536", "http://x:0", "http://x:08480")
        ),
        ('listen: {host: ""}\n', "config.yaml:1: listen.host: must not be empty"),
        ("centre: {id: 42}\n", "config.yaml:1: centre.id: must be text, not 42"),
        ("centre: {id: null}\n", "config.yaml:1: centre.id: must be text, not nothing"),
        ('centre: {id: "a b"}\n', 'config.yaml:1: centre.id: "a b" must be letters, digits, dots and hyphens, at most 64'),
        ("centre: {number: 1000000}\n", "config.yaml:1: centre.number: must be at most 999999, not 1000000"),
        (
            "centre: {timezone: Asia/Kolkatta}\n",
            'config.yaml:1: centre.timezone: "Asia/Kolkatta" is no time zone; did you mean "Asia/Kolkata"?',
        ),
        ("centre: {timezone: ''}\n", 'config.yaml:1: centre.timezone: "" is no time zone; give one such as Asia/Kolkata'),
        (
            "centre: {hours: 9-17}\n",
            f'config.yaml:1: centre.hours: "9-17" {HOURS}',
        ),
        ("admin: {token_file: [a]}\n", "config.yaml:1: admin.token_file: must be a path, not a list"),
        ("recording: {loopback_trusted: perhaps}\n", 'config.yaml:1: recording.loopback_trusted: must be true or false, not "perhaps"'),
        ("log: {level: inof}\n", 'config.yaml:1: log.level: must be one of debug, info, warning, error, not "inof"'),
        ("answering: {answer_within: 3}\n", f'config.yaml:1: answering.answer_within: "3" {DURATION}'),
        ("answering: {answer_within: 0s}\n", 'config.yaml:1: answering.answer_within: must be more than 0, not "0s"'),
        (
            "store: {reserve: 64MB}\n",
            'config.yaml:1: store.reserve: "64MB" is no size; write a whole number and a unit, such as 512KiB, 64MiB or 1GiB',
        ),
        # the upstream
        ("upstream: {url: ftp://server.example}\n", f"config.yaml:1: upstream.url: {URL}"),
        ("upstream: {url: server.example/api}\n", f"config.yaml:1: upstream.url: {URL}"),
        ("upstream: {url: 'http://server.example:port/'}\n", f"config.yaml:1: upstream.url: {URL}"),
        (
            "upstream: {url: 'http://server.example/api?x=1'}\n",
            "config.yaml:1: upstream.url: must not hold a query or fragment; end it with the path",
        ),
        (
            "upstream: {url: 'http://asha:s3cret@server.example/'}\n",
            "config.yaml:1: upstream.url: must not hold a name or password; give credentials in upstream.headers",
        ),
        ("upstream:\n  headers:\n    x-api-key: 5\n", f"config.yaml:3: upstream.headers.x-api-key: {HEADER}"),
        ("upstream: {headers: {k: {fil: key}}}\n", f"config.yaml:1: upstream.headers.k: {HEADER}"),
        ('upstream: {headers: {k: "a\\nb"}}\n', f"config.yaml:1: upstream.headers.k: {HEADER}"),
        (
            "upstream: {headers: {k: {env: DOSEKEEPER_KEY}}}\n",
            "config.yaml:1: upstream.headers.k: a variable named DOSEKEEPER_… is read as a setting; give this one another name",
        ),
        (
            "upstream: {headers: {'x key': a}}\n",
            'config.yaml:1: upstream.headers.x key: "x key" must be the name of a header field (RFC 9110 §5.1)',
        ),
        # what does not go together
        ("listen:\n  tls_key: key.pem\n", "config.yaml:1: listen.tls_cert: must be given with tls_key"),
        ("listen:\n  tls_cert: cert.pem\n", "config.yaml:1: listen.tls_key: must be given with tls_cert"),
        ("outage:\n  probe_every: 20s\n  probe_max: 15s\n", "config.yaml:3: outage.probe_max: must not be less than probe_every"),
        ("admin: {port: 8480}\n", "config.yaml:1: admin.port: must not be listen.port (8480); give it another"),
        ("metrics: {port: 8481}\n", "config.yaml:1: metrics.port: must not be admin.port (8481); give it another"),
        ("metrics: {tls_key: key.pem}\n", "config.yaml:1: metrics.tls_cert: must be given with tls_key"),
        ("store: {key_file: data/journal.db}\n", "config.yaml:1: store.key_file: must not be store.path; the key is a file of its own"),
        # what is no YAML, or not taken
        ("listen:\n\tport: 1\n", "config.yaml:2: a tab where YAML wants spaces; indent with spaces"),
        ("listen: {port: 1\nadmin: {}\n", "config.yaml:2: is not YAML: expected ',' or '}', but got ':'"),
        ("log: {}\n--- \nlog: {}\n", "config.yaml:2: is not YAML: but found another document"),
        ("log: {}\n# \x07\n", "config.yaml:2: a control character, which YAML does not allow; take it out"),
        ("log: !secret {}\n", "config.yaml:1: log: the tag !secret is not taken; leave it out"),
        ("listen:\n  port: !!int web\n", 'config.yaml:2: listen.port: "web" is not what its tag says'),
        (
            "admin: {token_file: &t a}\nlisten: {tls_key: *t, tls_cert: b}\n",
            "config.yaml:2: listen.tls_key: an alias (*name) is not taken; write the value out",
        ),
        (b"log: {level: \xff}\n", "config.yaml: is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_one_mistake(text: str | bytes, complaint: str) -> None:
    assert complaints(text) == [complaint]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = "log:\n  level: loud\nlisten:\n  port: 1\n  port: 2\n  prot: 3\nanswering:\n  body_max: much\n"
    environ = {"DOSEKEEPER_LISTEN__PROT": "1", "DOSEKEEPER_REPLAY__SPREAD_MAX": "soon"}
    assert complaints(text, environ) == [
        'config.yaml:2: log.level: must be one of debug, info, warning, error, not "loud"',
        "config.yaml:5: listen.port: given twice; first on line 4",
        'config.yaml:6: listen.prot: no such key; did you mean "port"?',
        'config.yaml:8: answering.body_max: "much" is no size; write a whole number and a unit, such as 512KiB, 64MiB or 1GiB',
        'DOSEKEEPER_LISTEN__PROT: no such setting; did you mean "DOSEKEEPER_LISTEN__PORT"?',
        f'DOSEKEEPER_REPLAY__SPREAD_MAX: replay.spread_max: "soon" {DURATION}',
    ]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DOSEKEEPER_STORE__KEYFILE", "k", 'DOSEKEEPER_STORE__KEYFILE: no such setting; did you mean "DOSEKEEPER_STORE__KEY_FILE"?'),
        ("DOSEKEEPER_LISTEN__PORT", "web", 'DOSEKEEPER_LISTEN__PORT: listen.port: must be a whole number, not "web"'),
        ("DOSEKEEPER_UPSTREAM__HEADERS", "{a: [}", "DOSEKEEPER_UPSTREAM__HEADERS: is not YAML: expected the node content, but found '}'"),
        (
            "DOSEKEEPER_UPSTREAM__HEADERS",
            "x-api-key",
            'DOSEKEEPER_UPSTREAM__HEADERS: upstream.headers: must be a mapping (key: value), not "x-api-key"',
        ),
    ],
)
def test_a_mistaken_variable(name: str, value: str, complaint: str) -> None:
    assert complaints("", {name: value}) == [complaint]


def test_a_variable_in_what_is_no_section() -> None:
    assert complaints("listen: 5\n", {"DOSEKEEPER_LISTEN__PORT": "1"}) == [
        "config.yaml:1: listen: must be a mapping (key: value), not 5",
    ]


@pytest.mark.parametrize("secret", ["upstream: {headers: {k: {text: s3cret}}}", "upstream: {url: 'ftp://asha:s3cret@server.example'}"])
def test_no_message_repeats_a_secret(secret: str) -> None:
    assert "s3cret" not in "\n".join(complaints(secret))


def test_no_such_file() -> None:
    with pytest.raises(DocumentError) as caught:
        load_settings(Path("missing.yaml"), {})
    assert str(caught.value) == "missing.yaml: no such file; give the path of a configuration file, or none to run with the defaults"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r": cannot be read: "):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("oauth2", "complaint"),
    [
        ("{token_url: 'https://a.example/t', client_id: c}", "upstream.oauth2.client_secret: must be given, or private_key_file instead"),
        ("{token_url: 'https://a.example/t', client_id: c, client_secret: s, private_key_file: k}", "one of the two"),
        ("{token_url: 'http://a.example/t', client_id: c, client_secret: s}", "upstream.oauth2.token_url: must be an https:// URL"),
        ("{token_url: 'https://a.example/t', client_id: c, client_secret: s, scop: x}", 'did you mean "scope"?'),
        ("{token_url: 'https://a.example/t', client_id: c, client_secret: s, client_auth: jwt}", "must be one of basic, post"),
        ("yes", "upstream.oauth2: must be a mapping"),
    ],
)
@pytest.mark.parametrize("by_variable", [False, True])
def test_mistakes_in_the_sidecars_own_log_in(tmp_path: Path, oauth2: str, complaint: str, by_variable: bool) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("{}\n" if by_variable else f"upstream: {{oauth2: {oauth2}}}\n")
    with pytest.raises(DocumentError, match=re.escape(complaint)):
        load_settings(file, {"DOSEKEEPER_UPSTREAM__OAUTH2": oauth2} if by_variable else {})


def test_two_log_ins_for_one_field(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "upstream:\n  headers: {Authorization: x}\n  oauth2: {token_url: 'https://a.example/t', client_id: c, client_secret: s}\n"
        "recording: {jwks_url: 'http://a.example/keys'}\n"
    )
    with pytest.raises(DocumentError) as caught:
        load_settings(file, {})
    assert "upstream.headers.Authorization: is what oauth2 gives" in str(caught.value)
    assert "recording.jwks_url: must be an https:// URL" in str(caught.value)
