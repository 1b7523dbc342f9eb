"""The replica that is the ear of a switch is killed while calls come and go: another hears on, and no call or leg is missing or wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.load.cti_killed import Siege, besiege
from tests.support.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


async def test_killing_the_ear_loses_no_call_and_holds_and_bridges_are_known_right_after_it(
    tmp_path: Path, own_kafka: KafkaBroker, record_property: Any
) -> None:
    # calls shorter than the time nobody listens: some come and go in it
    outcome = await besiege(
        Siege(calls_per_s=4, session_timeout_s=2, kills=1, between_s=4, talk_s=0.6), tmp_path, own_kafka.address
    )
    record_property("held_again_s", outcome.kills[0].held_s)
    assert outcome.faults == []
    assert outcome.calls > 20
