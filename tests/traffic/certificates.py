"""Certificates for the tests, made by a small authority of their own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(slots=True)
class Authority:
    """Makes pairs of certificate and key in *folder*; `ca` is its own certificate."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def ca(self) -> Path:
        file = self.folder / "ca.pem"
        if not file.exists():
            builder = self._builder("The tests' authority", self.key.public_key(), 30).add_extension(x509.BasicConstraints(True, 0), True)
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            signed = builder.add_extension(usage, True).sign(self.key, hashes.SHA256())
            file.write_bytes(signed.public_bytes(Encoding.PEM))
        return file

    def pair(self, name: str, *, days: int = 30) -> tuple[Path, Path]:
        """Return (certificate, key) for 127.0.0.1; with *days* below 0 it is over since then."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = self._builder(name, key.public_key(), days).add_extension(alternatives, False).add_extension(usage, False)
        signed = builder.add_extension(ours, False).sign(self.key, hashes.SHA256())
        cert, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(signed.public_bytes(Encoding.PEM))
        secret.write_bytes(_pem(key))
        return cert, secret

    def _builder(self, name: str, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        ends = datetime.now(UTC) + days * DAY
        builder = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(_name("The tests' authority")).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(ends - 60 * DAY).not_valid_after(ends)
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
