"""A token is believed only when its signature, audience and times are right."""

from __future__ import annotations

import base64
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ipcc.auth.principal import Role
from ipcc.auth.tokens import JwtAuthenticator, NotSignedIn, OpenDoor, development_key, issue_token
from ipcc.clock import FakeClock
from ipcc.errors import Invalid

KEY = "k" * 32
CLOCK = FakeClock()
LATER = (CLOCK.now() + timedelta(hours=1)).timestamp()


def test_a_good_token_gives_subject_and_known_roles() -> None:
    who = JwtAuthenticator(KEY, CLOCK).authenticate(issue_token(KEY, "1001", [Role.AGENT], LATER))
    assert (who.subject, who.roles) == ("1001", frozenset({Role.AGENT}))


async def test_a_token_dies_at_its_hour() -> None:
    clock = FakeClock()
    token = issue_token(KEY, "1001", [Role.AGENT], clock.now().timestamp() + 60)
    guard = JwtAuthenticator(KEY, clock)
    assert guard.authenticate(token)
    await clock.advance(60 + 31)
    with pytest.raises(NotSignedIn, match="expired"):
        guard.authenticate(token)


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "x.y.z",
        issue_token("other" * 8, "1001", [Role.AGENT], LATER),
        issue_token(KEY, "1001", [Role.AGENT], LATER, audience="elsewhere"),
    ],
)
def test_anything_else_is_refused(token: str | None) -> None:
    with pytest.raises(NotSignedIn):
        JwtAuthenticator(KEY, CLOCK).authenticate(token)


def test_an_unsigned_token_is_refused() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    token = f"{part({'alg': 'none'})}.{part({'sub': 'x', 'exp': LATER, 'aud': 'ipcc'})}."
    with pytest.raises(NotSignedIn):
        JwtAuthenticator(KEY, CLOCK).authenticate(token)


def test_tokens_of_an_identity_provider_are_checked_with_its_public_key() -> None:
    private = rsa.generate_private_key(65537, 2048)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public_pem = (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    who = JwtAuthenticator(public_pem, CLOCK).authenticate(issue_token(private_pem, "s1", [Role.SUPERVISOR], LATER))
    assert who.has(Role.SUPERVISOR)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(Invalid, match="32 bytes"):
        JwtAuthenticator("short", CLOCK)


def test_the_development_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = development_key(tmp_path)
    assert development_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "dev-auth.key").stat().st_mode) == 0o600


def test_the_open_door_lets_everybody_be_everything() -> None:
    assert OpenDoor().authenticate(None).roles == set(Role)
