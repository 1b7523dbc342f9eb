"""How long another system of the bank may take is said by the node alone."""

from __future__ import annotations

import httpx

from services.ivr.core.actions import CallService
from services.ivr.systems import BankSystems


async def test_no_time_limit_but_the_nodes_own_is_put_on_another_system() -> None:
    limits: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"])
        return httpx.Response(200, json={"points": 7})

    systems = BankSystems({"points": "http://points.test"}, httpx.MockTransport(answer))
    found = await systems.ask(CallService("points", "GET", "/of", {}, 20.0))
    await systems.close()
    assert found.values == {"points": "7"}
    assert limits == [{"connect": None, "read": None, "write": None, "pool": None}]
