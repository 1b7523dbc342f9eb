"""Values that travel between two services so that nobody in between can read them: not on a topic, in a log, in a table.

AES-256-GCM with a key both services are told. Each sealed text is bound to what it is for, and opens for nothing else.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ipcc.errors import Invalid

NONCE_BYTES = 12
_PURPOSE = b"ipcc orders 1"


class Sealer:
    """Seals and opens with one key (text of 32 characters or more)."""

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode()))

    def seal(self, values: Mapping[str, str], bound_to: str) -> str:
        """``values`` as text that ``open`` reads with the same ``bound_to``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, orjson.dumps(dict(values)), bound_to.encode())
        return urlsafe_b64encode(nonce + sealed).decode()

    def open(self, text: str, bound_to: str) -> dict[str, str]:
        """What was sealed. Raises Invalid (sealed.unreadable): another key, another purpose, or somebody changed it."""
        try:
            raw = urlsafe_b64decode(text.encode())
            found = orjson.loads(self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()))
        except (InvalidTag, NotBase64, ValueError):
            raise Invalid("sealed.unreadable", "what was sealed cannot be opened: compare the order keys") from None
        return {str(name): str(value) for name, value in found.items()}


def order_of(session_id: str) -> str:
    """What the inputs of an order are bound to."""
    return f"order {session_id}"


def results_of(session_id: str) -> str:
    """What the results of an order are bound to."""
    return f"results {session_id}"
