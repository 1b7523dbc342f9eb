"""Fixtures of the contract tests: the same bench on every implementation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ipcc.tasks import Tasks
from tests.support.bus_rig import KafkaRig, MemoryRig, Rig


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """A bus bench on the in-process broker and on the run's shared Kafka."""
    made: Rig = MemoryRig() if request.param == "memory" else KafkaRig(request.getfixturevalue("kafka"))
    yield made
    await made.close()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def fragile(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """A bus bench whose broker may be broken; its sends give up after two seconds at most."""
    if request.param == "memory":
        made: Rig = MemoryRig(send_timeout_s=0.5)
    else:
        made = KafkaRig(request.getfixturevalue("own_kafka"), send_timeout_s=2.0)
    yield made
    await made.mend_broker()
    await made.close()


@pytest.fixture
async def tasks(request: pytest.FixtureRequest) -> AsyncIterator[Tasks]:
    """Long-lived tasks of a test, stopped before the buses they use."""
    for name in ("rig", "fragile"):
        if name in request.fixturenames:
            request.getfixturevalue(name)
    made = Tasks(restart_delay_s=0.1)
    yield made
    await made.stop()
    assert not made.dead
