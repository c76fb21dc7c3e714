"""How the sidecar proves to a token endpoint who it is: with its secret, or with an assertion that it signs (RFC 7521, RFC 7523)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key
from ulid import ULID

from proxy.document.fields import HeaderSource
from proxy.rules.wire import Fields
from proxy.settings.model import OAuth2
from proxy.traffic.sources import read_now

ASSERTION_LIFE_S: Final = 240
"""Life of an assertion; SMART backend services allow 300 s, and clocks differ."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ALGORITHMS: Final = {"RSA": "RS384", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
"""How each kind of key signs; SMART backend services ask for RS384 or ES384."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Header fields and form members that go with the question."""

    fields: Fields
    form: dict[str, str]


class Unusable(Exception):
    """The secret or the key cannot be used; the text says which and is safe to show."""


def proof(settings: OAuth2, now: int) -> Proof:
    """
    Return the proof for a question asked at *now* (wall-clock milliseconds UTC); secret and key are read anew each time.

    Raises:
        Unusable: They cannot be read, or are no such thing.
    """
    if settings.client_secret is not None:
        return _by_secret(settings, settings.client_secret)
    assert settings.private_key_file is not None  # the settings' own check holds it
    try:
        key = private_key(settings.private_key_file.read_bytes())
        signed = jwt.encode(_heading(settings, key), _claims(settings, now), key, algorithms=list(ALGORITHMS.values()))
    except OSError as error:
        raise Unusable(f"oauth2.private_key_file cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, JoseError) as error:
        raise Unusable("oauth2.private_key_file holds no RSA or EC private key in PEM or JWK form") from error
    return Proof((), {"client_id": settings.client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed})


def private_key(content: bytes) -> RSAKey | ECKey:
    """Return the key that a file holds, in PEM or as a JWK; ValueError, TypeError or JoseError where it holds none that signs."""
    if content.lstrip().startswith(b"{"):
        key = import_key(orjson.loads(content))
    else:
        key = import_key(content, "RSA" if isinstance(load_pem_private_key(content, None), RSAPrivateKey) else "EC")
    if not isinstance(key, RSAKey | ECKey) or not key.is_private:
        raise ValueError("no private key")
    return key


def _by_secret(settings: OAuth2, source: HeaderSource) -> Proof:
    try:
        secret = read_now(source)
    except (OSError, ValueError) as error:
        raise Unusable(f"oauth2.client_secret cannot be read ({type(error).__name__})") from error
    if settings.client_auth == "post":
        return Proof((), {"client_id": settings.client_id, "client_secret": secret})
    pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"  # form-encoded first (RFC 6749 §2.3.1)
    return Proof(((b"Authorization", b"Basic " + base64.b64encode(pair.encode())),), {})


def _heading(settings: OAuth2, key: RSAKey | ECKey) -> dict[str, str]:
    algorithm = ALGORITHMS["RSA" if isinstance(key, RSAKey) else key.curve_name]
    return {"alg": algorithm, "typ": "JWT"} | ({} if settings.key_id is None else {"kid": settings.key_id})


def _claims(settings: OAuth2, now: int) -> dict[str, str | int]:
    return {
        "iss": settings.client_id,
        "sub": settings.client_id,
        "aud": settings.audience or settings.token_url,
        "iat": now // 1000,
        "exp": now // 1000 + ASSERTION_LIFE_S,
        "jti": str(ULID()),
    }
