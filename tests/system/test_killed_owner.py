"""The owner of a routing domain is killed while callers arrive and wait: its stand-in goes on, and nobody notices but by the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.load.acd_killed import Load, run
from tests.support.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


async def test_killing_the_owner_loses_no_place_and_offers_nobody_twice(
    tmp_path: Path, own_kafka: KafkaBroker, record_property: Any
) -> None:
    load = Load(calls_per_s=5, waiting=20, session_timeout_s=2, kills=1, between_kills_s=4, talk_s=2)
    outcome = await run(load, tmp_path, own_kafka.address)
    record_property("no_offer_s", outcome.kills[0].gap_s)
    assert outcome.faults == []
    assert outcome.kills[0].waiting >= load.waiting / 2
