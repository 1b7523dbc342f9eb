"""Nobody is ready without a working phone."""

from __future__ import annotations

from tests.live.bench import Bench
from tests.support.until import until


async def test_agent_is_not_ready_while_his_phone_is_unregistered(bench: Bench) -> None:
    phone = await bench.agent("1001")
    await bench.until_state("1001", "ready")
    await phone.unregister()
    await bench.until_state("1001", "not_ready")
    refused = await bench.try_post("ctiserver", "/v1/agents/1001/ready")
    assert refused.status_code == 409, refused.text

    await phone.register()

    async def is_accepted() -> bool:
        return (await bench.try_post("ctiserver", "/v1/agents/1001/ready")).is_success

    await until(is_accepted, what="ready is accepted")
    await bench.until_state("1001", "ready")
