"""How a webhook's message is signed, so that its receiver knows it is ours and new. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

HEADER = "Ipcc-Signature"


def signature(secrets: Iterable[str], at: datetime, body: bytes) -> str:
    """``t=<Unix seconds>,v1=<hex>``: HMAC-SHA256 with a secret over the seconds, a dot, and the body as sent; one ``v1`` a secret.

    A receiver computes the same, compares each in constant time, and refuses what is older than a few minutes.
    """
    seconds = int(at.timestamp())
    signed = f"{seconds}.".encode() + body
    digests = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join((f"t={seconds}", *(f"v1={digest}" for digest in digests)))
