"""The stand-in bank on a real port, for all tests of ivr."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bankcore.app import build
from bankcore.settings import BankSettings
from ipcc.http.server import serving
from ipcc.http.service import Service
from ipcc.metrics import BANKCORE_OPERATIONS
from tests.support.service import make_settings

TOKEN = "token-of-the-banks-gateway"


@dataclass
class StandIn:
    """The bank: where it is, and what goes wrong there."""

    url: str
    service: Service
    http: httpx.AsyncClient

    async def go_wrong(self, mode: str, **more: Any) -> None:
        """From now on (``PUT /v1/stand-in/fault``)."""
        answer = await self.http.put("/v1/stand-in/fault", json={"mode": mode, **more})
        assert answer.status_code == 204, answer.text

    async def proof(self) -> dict[str, int]:
        """Whether its books balance, and how many bookings there are."""
        return dict((await self.http.get("/v1/stand-in/proof")).json())

    def asked(self, operation: str) -> int:
        """How many requests of that operation arrived, whatever became of them."""
        found = 0.0
        for metric in self.service.metrics.registry.collect():
            for sample in metric.samples:
                if sample.name == BANKCORE_OPERATIONS.name and sample.labels.get("operation") == operation:
                    found += sample.value
        return int(found)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[StandIn]:
    settings = make_settings(BankSettings, tmp_path, bankcore_token=TOKEN)
    async with serving([build(settings)]) as running:
        url = running[0].url
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
            yield StandIn(url, running[0].service, http)
