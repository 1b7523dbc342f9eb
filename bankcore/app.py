"""Composition root of the stand-in."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from bankcore.api import DESCRIPTION, router, stand_in
from bankcore.demo import fill
from bankcore.faults import Faults
from bankcore.movements import router as movements
from bankcore.settings import BankSettings
from bankcore.terms import router as terms
from bankcore.usecases import Bank
from ipcc.auth.principal import Principal, Role
from ipcc.auth.tokens import NotSignedIn
from ipcc.clock import Clock, SystemClock
from ipcc.http.factory import create_app
from ipcc.http.service import Service
from ipcc.metrics import Metrics


@dataclass(frozen=True)
class SharedToken:
    """One token for all callers, as a bank's gateway hands out to a system; None lets everybody in."""

    token: str | None

    def authenticate(self, token: str | None) -> Principal:
        if self.token is not None and not hmac.compare_digest((token or "").encode(), self.token.encode()):
            raise NotSignedIn("not_signed_in", "send the token of the bank's gateway as bearer token")
        return Principal("call-centre", frozenset({Role.SYSTEM}))


def build(settings: BankSettings, clock: Clock | None = None) -> Service:
    """The stand-in with the demonstration customers; it forgets everything when it ends."""
    clock = clock or SystemClock()
    bank = Bank()
    fill(bank, clock.now())

    @asynccontextmanager
    async def run() -> AsyncIterator[None]:
        yield

    token = settings.bankcore_token
    return Service(
        settings=settings,
        title="Bank core contract",
        description=DESCRIPTION.strip(),
        run=run,
        authenticator=SharedToken(token.get_secret_value() if token else None),
        metrics=Metrics(settings.service),
        routers=[router, terms, movements, stand_in],
        provides=[bank, Faults(clock)],
        max_body_bytes=16_384,
    )


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines as they are read."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _write_text)


def contract(settings: BankSettings) -> str:
    """The OpenAPI document as YAML: what docs/bankcore.openapi.yaml holds."""
    document: dict[str, Any] = create_app(build(settings)).openapi()
    # the contract has its own version; that of the distribution changes with every release
    document["info"]["version"] = "1.0"
    return yaml.dump(document, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=120)
