"""The owner of a routing domain stands still for longer than anybody waits for it, then goes on: it must not alter anything any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.load.acd_killed import Load, run
from tests.support.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

LONGER_THAN_A_TRANSACTION_S = 17.0


async def test_an_owner_that_stood_still_and_goes_on_alters_nothing_and_leaves_the_domain_with_the_new_one(
    tmp_path: Path, own_kafka: KafkaBroker, record_property: Any
) -> None:
    load = Load(
        calls_per_s=5,
        waiting=20,
        session_timeout_s=2,
        kills=1,
        between_kills_s=4,
        talk_s=2,
        frozen_s=LONGER_THAN_A_TRANSACTION_S,
    )
    outcome = await run(load, tmp_path, own_kafka.address)
    record_property("no_offer_s", outcome.kills[0].gap_s)
    assert outcome.faults == []
    assert outcome.claims[-1] != outcome.kills[0].victim, outcome.claims
    assert len(outcome.claims) == 2, outcome.claims
