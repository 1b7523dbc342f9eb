"""The replica that is the ear of a switch stands still and goes on: what another told meanwhile it does not tell again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.cti_killed import Siege, besiege
from tests.support.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


async def test_an_ear_that_stood_still_and_goes_on_tells_nothing_twice(tmp_path: Path, own_kafka: KafkaBroker) -> None:
    siege = Siege(calls_per_s=6, session_timeout_s=2, kills=2, between_s=4, talk_s=0.6, how="freeze")
    outcome = await besiege(siege, tmp_path, own_kafka.address)
    assert outcome.faults == []
    assert outcome.calls > 40
