"""How a PIN or a card security code travels: encrypted for the bank with its public key, bound to the card, usable once.

The bank's key pair is made anew at every start and never written down.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ipcc.errors import Invalid, NotNow

ALGORITHM = "RSA-OAEP-256"
_PADDING = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_REMEMBERED = 100_000
PIN_DIGITS = range(4, 13)


@dataclass
class PinCipher:
    """The private side."""

    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict, repr=False)

    @property
    def public_pem(self) -> str:
        """What callers encrypt with."""
        return (
            self._key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    @property
    def key_id(self) -> str:
        """Names the key; changes whenever the key does."""
        return hashlib.sha256(self.public_pem.encode()).hexdigest()[:16]

    def open(self, key_id: str, ciphertext: str, card_no: str, digits: range = PIN_DIGITS) -> str:
        """The secret of so many ``digits`` in ``ciphertext``.

        Raises NotNow ``key_unknown`` (fetch the keys again), Invalid ``pin_unreadable`` and ``pin_replayed``.
        """
        if key_id != self.key_id:
            raise NotNow("key_unknown", "the PIN was encrypted with a key that is no longer ours: GET /v1/keys again")
        try:
            sealed = base64.b64decode(ciphertext, validate=True)
            secret, bound_to, nonce = self._key.decrypt(sealed, _PADDING).decode("ascii").split("|")
        except (binascii.Error, ValueError):
            raise _unreadable() from None
        if bound_to != card_no or len(nonce) < 16 or not (secret.isdecimal() and len(secret) in digits):
            raise _unreadable()
        self._use(nonce)
        return secret

    def _use(self, nonce: str) -> None:
        if nonce in self._seen:
            raise Invalid("pin_replayed", "this encrypted PIN was sent before: encrypt it anew")
        self._seen[nonce] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)


def _unreadable() -> Invalid:
    return Invalid("pin_unreadable", "encrypted_pin: not the encryption of pin|card_no|nonce with the named key")


def seal(public_pem: str, pin: str, card_no: str, nonce: str) -> str:
    """The caller's side: what goes into ``encrypted_pin``; ``nonce`` is 16 or more random characters without ``|``."""
    key = serialization.load_pem_public_key(public_pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise Invalid("key_invalid", "the bank's key is not an RSA key")
    return base64.b64encode(key.encrypt(f"{pin}|{card_no}|{nonce}".encode("ascii"), _PADDING)).decode()
