"""Encrypts a web push message (RFC 8291) and signs its call (VAPID, RFC 8292).

The payload is encrypted for one browser with aes128gcm (RFC 8188), in one record. The push service
that carries it cannot read it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import struct
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

LONGEST_PAYLOAD: Final = 3_000  # bytes; a push service takes at least 4,096 with the overhead
RECORD_BYTES: Final = 4_096
POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16
SALT_BYTES: Final = 16
LASTS_S: Final = 12 * 3600  # RFC 8292 allows at most 24 hours
_CURVE = ec.SECP256R1()


class BadSubscription(ValueError):
    """The keys of a subscription are not what a browser makes."""


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Return the bytes of base64url without padding. Raises BadSubscription."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise BadSubscription("A key is not base64url.") from wrong


def read_keys(p256dh: str, auth: str) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """Return the public key and the secret of a subscription. Raises BadSubscription."""
    point, secret = unb64(p256dh), unb64(auth)
    if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
        raise BadSubscription("A key has the wrong length.")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point), secret
    except ValueError as wrong:
        raise BadSubscription("The public key is not a point of the curve P-256.") from wrong


def encrypt(
    payload: bytes,
    *,
    p256dh: str,
    auth: str,
    salt: bytes | None = None,
    private: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return the encrypted body for one subscription.

    Parameters
    ----------
    payload : bytes
        At most 3,000 bytes.
    p256dh, auth : str
        The keys of the subscription, base64url.
    salt, private : optional
        Random values, which only the test with the RFC's example gives.

    Raises
    ------
    BadSubscription
        The keys are not what a browser makes.
    ValueError
        The payload is too long.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise ValueError("A push message has at most 3,000 bytes.")
    receiver, secret = read_keys(p256dh, auth)
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    private = private or ec.generate_private_key(_CURVE)
    own, other = _point(private.public_key()), _point(receiver)
    shared = private.exchange(ec.ECDH(), receiver)
    key = _derive(shared, secret, b"WebPush: info\x00" + other + own, 32)
    content_key = _derive(key, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(key, salt, b"Content-Encoding: nonce\x00", 12)
    head = salt + struct.pack("!IB", RECORD_BYTES, len(own)) + own
    return head + AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)


def _derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def new_vapid_key() -> str:
    """Return a new private key, as text for the secrets of an account."""
    key = ec.generate_private_key(_CURVE)
    return b64(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def vapid_public(private: str) -> str:
    """Return the public key for a browser (applicationServerKey)."""
    return b64(_point(_load(private).public_key()))


def vapid_authorization(endpoint: str, *, private: str, contact: str, now_s: int) -> str:
    """Return the Authorization header of a call to an endpoint.

    ``contact`` is a mailto: or https: address with which a push service reaches the sender.
    ``now_s`` is real time, in seconds since 1970, because the push service checks it.
    """
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": now_s + LASTS_S,
        "sub": contact,
    }
    head = {"typ": "JWT", "alg": "ES256"}
    signed = ".".join(
        b64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)
    )
    key = _load(private)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={b64(_point(key.public_key()))}"


def _load(private: str) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(unb64(private), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("The key of web push is not a key of the curve P-256.")
    return key
