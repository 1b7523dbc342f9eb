"""How a secret (PIN, card security code) leaves the house: encrypted with the bank core's public key, bound to the card, each time anew."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ALGORITHM = "RSA-OAEP-256"
LEAST_BITS = 2048
NONCE_BYTES = 16
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


class BadKey(Exception):
    """The bank core's answer holds no key that we would encrypt a secret with."""


@dataclass(frozen=True)
class SealingKey:
    """A public key of the bank core."""

    key_id: str
    _key: rsa.RSAPublicKey

    def seal(self, secret: str, card_no: str) -> str:
        """What carries the secret in a request, base64. Each call gives another text; the bank takes each once."""
        plain = f"{secret}|{card_no}|{secrets.token_hex(NONCE_BYTES)}".encode("ascii")
        return base64.b64encode(self._key.encrypt(plain, _OAEP)).decode()


def key_from(body: Any) -> SealingKey:
    """The first key of ``GET /v1/keys`` that fits the contract. Raises BadKey."""
    offered = body.get("keys") if isinstance(body, dict) else None
    for entry in offered if isinstance(offered, list) else []:
        if isinstance(entry, dict) and entry.get("algorithm") == ALGORITHM and isinstance(entry.get("key_id"), str):
            return SealingKey(entry["key_id"], _public_key(entry.get("pem")))
    raise BadKey(f"it offers no key for {ALGORITHM}")


def _public_key(pem: Any) -> rsa.RSAPublicKey:
    if not isinstance(pem, str):
        raise BadKey("its key is no PEM text")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("its key cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
        raise BadKey(f"its key is no RSA key of {LEAST_BITS} bits or more")
    return key
