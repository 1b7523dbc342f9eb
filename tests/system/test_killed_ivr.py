"""A replica of ivr is killed with its callers in every kind of node: the other takes them up, tells them so and asks again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.ivr.core.flow import Flow
from tests.load.ivr_killed import Siege, besiege
from tests.load.ivr_rig import MOVING, PASSED, TOLD_AGAIN
from tests.support.kafka_broker import KafkaBroker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

# a fax needs a machine at the other end, consent an agent who orders; an order by text message, and the way of an error, are over at once
ELSEWHERE = {"fax", "consent", "sms", "error"}


def test_a_caller_stands_at_every_kind_of_node_at_which_one_can_stand() -> None:
    union = Flow.model_json_schema()["properties"]["nodes"]["additionalProperties"]["discriminator"]["mapping"]
    assert {*TOLD_AGAIN, *PASSED, *ELSEWHERE} - {MOVING} == set(union)


async def test_killing_a_replica_of_ivr_disturbs_nobody_elses_caller_and_its_own_are_taken_up_and_asked_again(
    tmp_path: Path, own_kafka: KafkaBroker, record_property: Any
) -> None:
    outcome = await besiege(Siege(copies=2, kills=1), tmp_path, own_kafka.address)
    [kill] = outcome.kills
    record_property("longest_silence_s", round(kill.all_silences[-1], 1))
    record_property("last_apology_s", round(kill.all_apologies[-1], 1))
    assert outcome.faults == []
    # whom a call belongs to is by chance; of 32 some are always with either
    assert 0 < kill.callers < outcome.calls
