"""The answer to a digest challenge (RFC 2617, qop auth). Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True)
class Credentials:
    """Who registers."""

    user: str
    password: str = field(repr=False)


def authorization(who: Credentials, challenge: str, method: str, uri: str, client_nonce: str) -> str:
    """The Authorization header for a WWW-Authenticate header."""
    asked = {name: quoted or bare for name, quoted, bare in _PARAMETER.findall(challenge)}
    count = "00000001"
    own = _md5(f"{who.user}:{asked['realm']}:{who.password}")
    what = _md5(f"{method}:{uri}")
    response = _md5(f"{own}:{asked['nonce']}:{count}:{client_nonce}:auth:{what}")
    return (
        f'Digest username="{who.user}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm=MD5, cnonce="{client_nonce}", qop=auth, nc={count}'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
