"""How a webhook's message is signed, so that its receiver knows it is ours and new. Pure."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

HEADER = "Ipcc-Signature"


def signature(secret: str, at: datetime, body: bytes) -> str:
    """``t=<Unix seconds>,v1=<hex>``: HMAC-SHA256 with ``secret`` over the seconds, a dot, and the body as sent.

    A receiver computes the same, compares in constant time, and refuses what is older than a few minutes.
    """
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
