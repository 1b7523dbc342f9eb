"""Bearer tokens: JWT (RFC 7519) signed by the bank's identity provider, or by a key of this machine for development."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import jwt

from ipcc.auth.principal import Principal, Role
from ipcc.clock import Clock
from ipcc.errors import Invalid, IpccError
from ipcc.settings import ServiceSettings, read_secret

# how far the clocks of two machines may be apart
_LEEWAY = timedelta(seconds=30)


class NotSignedIn(IpccError):
    """No token, or one that is not valid (401)."""

    status = 401


class Authenticator(Protocol):
    """Turns the bearer token of a request into a principal."""

    def authenticate(self, token: str | None) -> Principal:
        """The owner of ``token``; raises NotSignedIn that says why not, never showing the token."""


class OpenDoor:
    """No check at all: everybody is everything. Settings allow it on loopback only."""

    def authenticate(self, token: str | None) -> Principal:
        return Principal("anonymous", frozenset(Role))


class JwtAuthenticator:
    """Checks signature, times, audience and issuer. The algorithm follows from the key, never from the token."""

    def __init__(self, key: str, clock: Clock, *, audience: str = "ipcc", issuer: str | None = None) -> None:
        self._key = key
        self._clock = clock
        self._audience = audience
        self._issuer = issuer
        self._algorithm = algorithm_of(key)

    def authenticate(self, token: str | None) -> Principal:
        if not token:
            raise NotSignedIn("auth.missing", "send a bearer token in the Authorization header")
        return _principal_of(self._claims(token))

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "sub", "aud"],
                    # checked below against our own clock
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError as error:
            raise NotSignedIn("auth.invalid", f"the token is not valid: {error}") from None
        self._check_times(claims)
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        leeway = _LEEWAY.total_seconds()
        try:
            expired = float(claims["exp"]) < now - leeway
            early = float(claims.get("nbf", 0)) > now + leeway
        except (TypeError, ValueError):
            raise NotSignedIn("auth.invalid", "the token is not valid: exp and nbf must be numbers") from None
        if expired:
            raise NotSignedIn("auth.expired", "the token has expired: sign in again")
        if early:
            raise NotSignedIn("auth.early", "the token is not valid yet: compare the clocks")


def _principal_of(claims: Mapping[str, Any]) -> Principal:
    named = claims.get("roles", ())
    known = {role.value: role for role in Role}
    roles = (
        frozenset(known[name] for name in named if name in known) if isinstance(named, (list, tuple)) else frozenset()
    )
    organisation = claims.get("org")
    return Principal(str(claims["sub"]), roles, str(organisation) if organisation else None)


def algorithm_of(key: str) -> str:
    """RS256 for a PEM key, HS256 for a secret; raises Invalid when the secret is too short to be one."""
    if "-----BEGIN" in key:
        return "RS256"
    if len(key.encode()) < 32:
        raise Invalid("auth.weak_key", "the JWT secret must be 32 bytes or more (RFC 7518 section 3.2)")
    return "HS256"


def issue_token(key: str, subject: str, roles: Iterable[Role], expires_at: float, audience: str = "ipcc") -> str:
    """A token of our own; ``key`` is an HS256 secret or an RS256 private key, ``expires_at`` seconds since 1970."""
    claims = {"sub": subject, "roles": [role.value for role in roles], "exp": int(expires_at), "aud": audience}
    return jwt.encode(claims, key, algorithm=algorithm_of(key))


def development_key(var_dir: Path) -> str:
    """The signing key of this machine, made at the first use; readable by its owner only."""
    return kept_key(var_dir / "dev-auth.key")


def kept_key(path: Path) -> str:
    """The random key in the file, made at the first use; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_secret(path)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


def issue_development_token(settings: ServiceSettings, clock: Clock, subject: str, roles: Iterable[Role]) -> str:
    """A token that services in ``dev`` mode on this machine accept for twelve hours; `ipcc up` prints one."""
    expires = (clock.now() + timedelta(hours=12)).timestamp()
    return issue_token(development_key(settings.var_dir), subject, roles, expires, settings.jwt_audience)


def authenticator_for(settings: ServiceSettings, clock: Clock) -> Authenticator:
    """What ``auth_mode`` asks for."""
    if settings.auth_mode == "none":
        return OpenDoor()
    if settings.auth_mode == "dev":
        return JwtAuthenticator(development_key(settings.var_dir), clock, audience=settings.jwt_audience)
    key = settings.jwt_key.get_secret_value() if settings.jwt_key else ""
    return JwtAuthenticator(key, clock, audience=settings.jwt_audience, issuer=settings.jwt_issuer)
