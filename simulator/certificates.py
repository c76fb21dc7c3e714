"""The data port's certificates, made when the simulator starts: a good one, and those with a flaw."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from simulator import clock
from simulator.faults.fault import Trouble

DAY: Final = timedelta(days=1)
ANOTHER_HOST: Final = "another-host.invalid"


class Authority:
    """Signs certificates; `pem` is what a client has to trust (`upstream.ca_file`)."""

    def __init__(self, name: str) -> None:
        self._key = generate_private_key(SECP256R1())
        self._name = _named(name)
        now = _now()
        limits = x509.BasicConstraints(ca=True, path_length=0)
        builder = _begun(self._name, self._name, self._key, now - 2 * DAY, now + DAY).add_extension(limits, critical=True)
        self.pem = builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()

    def issue(self, host: str, not_after: datetime) -> tuple[bytes, bytes]:
        """Return key and certificate of *host*, both PEM."""
        key = generate_private_key(SECP256R1())
        builder = _begun(_named(host), self._name, key, not_after - 2 * DAY, not_after)
        signed = builder.add_extension(x509.SubjectAlternativeName([_name_of(host)]), critical=False).sign(self._key, SHA256())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return secret, signed.public_bytes(Encoding.PEM)


class Certificates:
    """What a TLS port shows, good or with a flaw, and the authority that the good one is from."""

    def __init__(self, host: str) -> None:
        authority, stranger = Authority("dosekeeper simulator"), Authority("nobody in particular")
        tomorrow = _now() + DAY
        self.authority_pem = authority.pem
        self._issued = {
            None: authority.issue(host, tomorrow),
            Trouble.EXPIRED: authority.issue(host, _now() - timedelta(hours=1)),
            Trouble.UNTRUSTED: stranger.issue(host, tomorrow),
            Trouble.WRONG_HOST: authority.issue(ANOTHER_HOST, tomorrow),
        }

    @lru_cache  # noqa: B019 - lives as long as the simulator
    def context(self, flaw: Trouble | None) -> ssl.SSLContext:
        """Return what a connection is accepted with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:  # ssl takes them from files only
            file = Path(folder) / "chain.pem"
            file.write_bytes(b"".join(self._issued[flaw]))
            context.load_cert_chain(file)
        return context


def _begun(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(not_before).not_valid_after(not_after)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now().at / 1000, UTC)
