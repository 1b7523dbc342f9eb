"""Faxes to numbers: tried again by themselves, taken over by the next replica, and over at a stated time."""

from __future__ import annotations

import asyncio
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.bus.port import partition_of
from ipcc.contracts.config import DialRule
from ipcc.contracts.ivr import FaxDone, FaxOrdered, FaxStarted, IvrPayload
from ipcc.contracts.topics import IVR
from ipcc.errors import SwitchDown
from ipcc.esl.commands import UuidKill
from services.ivr.core.actions import Faxed
from services.ivr.core.fax_job import FaxJob
from services.ivr.core.past import MOST_FAXES, Past
from services.ivr.fax_files import FOLDER
from tests.support.until import until
from tests.unit.ivr.fax_bench import NOW, NUMBER, Desk

pytestmark = pytest.mark.looptime


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def read(facts: list[IvrPayload], desk: Desk) -> list[FaxJob]:
    """The faxes as the next replica reads them from the topic."""
    past = Past()
    for fact in facts:
        past.note(type(fact).model_validate_json(fact.model_dump_json()), desk.clock.now())
    return list(past.faxes.values())


def next_replica(desk: Desk) -> Desk:
    """Another one on the same switch and spool; the first is gone without a word."""
    desk.jobs.let_go(partition_of("c", IVR.partitions))
    other = Desk(desk.folder, desk.clock, desk.node, desk.attempts, desk.pause_s)
    other.jobs.take_over(read(desk.facts, desk))
    return other


async def test_who_hangs_up_gets_his_fax_all_the_same_in_the_next_try(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    waiting = desk.send(NUMBER)
    assert await waiting == Faxed("busy", 0, "USER_BUSY", goes_on=True)
    # the caller is gone: nobody asks for the second try
    desk.node.script.rules.clear()
    leg, _ = await desk.started()
    desk.arrive(leg)
    assert await desk.told(2) == [(1, "busy", False), (2, "sent", True)]
    assert desk.left == []


async def test_tries_are_so_far_apart_and_so_many_as_the_node_says(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR NO_ANSWER")
    began = desk.clock.now()
    await desk.send(NUMBER)
    assert await desk.told(3) == [(1, "no_answer", False), (2, "no_answer", False), (3, "no_answer", True)]
    assert desk.clock.now() - began >= timedelta(seconds=2 * desk.pause_s)
    assert len(desk.dialled) == 3
    assert desk.left == []


async def test_no_try_begins_after_the_deadline(desk: Desk) -> None:
    desk.pause_s, desk.attempts = 60, 5
    desk.node.answer("originate", "-ERR USER_BUSY")
    await desk.send(NUMBER)
    # ordered for 100 s: the third would begin after 120
    assert await desk.told(2) == [(1, "busy", False), (2, "busy", True)]
    assert desk.left == []


async def test_whoever_waits_hears_of_each_try_in_turn_and_asking_again_dials_no_more(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    results = [await desk.send(NUMBER, attempt=attempt) for attempt in (1, 1, 2, 3, 3, 2)]
    assert [(one.outcome, one.goes_on) for one in results] == [
        ("busy", True),
        ("busy", True),
        ("busy", True),
        ("busy", False),
        ("busy", False),
        ("busy", True),
    ]
    assert len(desk.dialled) == 3


async def test_what_it_says_and_where_it_goes_is_in_the_spool_for_those_alone_who_need_it(desk: Desk) -> None:
    sending = desk.send(NUMBER, rows="987.65")
    leg, paper = await desk.started()
    number = paper.with_suffix(".to")
    assert stat.S_IMODE(paper.stat().st_mode) == 0o640
    assert stat.S_IMODE(number.stat().st_mode) == 0o600
    assert stat.S_IMODE(paper.parent.stat().st_mode) & 0o007 == 0
    told = repr(desk.facts) + "".join(fact.model_dump_json() for fact in desk.facts)
    assert NUMBER not in told
    assert NUMBER[-6:] not in told
    assert "987.65" not in told
    desk.arrive(leg)
    assert (await sending).outcome == "sent"
    assert desk.left == []


async def test_a_line_that_is_cut_in_the_middle_is_tried_again_with_the_whole_paper(desk: Desk) -> None:
    sending = desk.send(NUMBER)
    leg, first = await desk.started()
    desk.tell(leg, "0", "49", "The call dropped prematurely", "1")
    desk.node.hang_up(leg)
    assert await sending == Faxed("dropped", 1, "49 The call dropped prematurely", goes_on=True)
    leg, second = await desk.started(2)
    assert second == first
    desk.arrive(leg)
    assert await desk.told(2) == [(1, "dropped", False), (2, "sent", True)]


async def test_a_try_that_goes_on_when_its_replica_dies_is_followed_to_its_result(desk: Desk) -> None:
    desk.send(NUMBER)
    leg, _ = await desk.started()
    other = next_replica(desk)
    await asyncio.sleep(30)
    assert desk.node.told(UuidKill) == []
    assert desk.left == [".tif", ".to"]
    desk.arrive(leg)
    assert await other.told(1) == [(1, "sent", True)]
    assert len(desk.dialled) == 1
    assert other.left == []
    # the one that let go has said nothing
    assert desk._done() == []


async def test_a_try_whose_end_nobody_heard_is_told_as_unknown_and_made_again(desk: Desk) -> None:
    desk.send(NUMBER)
    leg, _ = await desk.started()
    desk.node.legs.pop(leg)
    other = next_replica(desk)
    second, _ = await other.started(2)
    assert second != leg
    desk.arrive(second)
    assert await other.told(2) == [(1, "unknown", False), (2, "sent", True)]


async def test_a_pause_goes_on_where_it_stood_when_the_replica_dies(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    await desk.send(NUMBER)
    other = next_replica(desk)
    assert await other.told(2) == [(2, "busy", False), (3, "busy", True)]


async def test_what_is_over_is_not_sent_again_by_the_next_replica(desk: Desk) -> None:
    sending = desk.send(NUMBER)
    leg, _ = await desk.started()
    desk.arrive(leg)
    await sending
    other = next_replica(desk)
    # the caller is served again, and stands at the same visit of the node
    assert (await other.send(NUMBER)).outcome == "sent"
    assert len(desk.dialled) == 1


async def test_a_fax_found_after_its_deadline_ends_without_being_dialled(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    await desk.send(NUMBER)
    facts = list(desk.facts)
    desk.jobs.let_go(partition_of("c", IVR.partitions))
    jobs = read(facts, desk)
    await asyncio.sleep(3600)
    other = Desk(desk.folder, desk.clock, desk.node)
    other.jobs.take_over(jobs)
    assert await other.told(1) == [(2, "failed", True)]
    assert len(desk.dialled) == 1
    assert other.left == []


async def test_a_switch_that_is_lost_is_waited_for_and_its_leg_looked_up_before_another_try(desk: Desk) -> None:
    sending = desk.send(NUMBER)
    leg, _ = await desk.started()
    desk.node.go_down()
    await asyncio.sleep(60)
    assert not sending.done()
    desk.node._running.clear()
    desk.node.legs.pop(leg)
    desk.node.go_up()
    assert await sending == Faxed("unknown", goes_on=True)
    second, _ = await desk.started(2)
    desk.arrive(second)
    assert await desk.told(2) == [(1, "unknown", False), (2, "sent", True)]


async def test_two_tries_never_run_side_by_side(desk: Desk) -> None:
    """The link is lost while it is dialled, and the leg is up when the link is back: it is ended before the next try."""
    desk.node.answer("originate", SwitchDown("switch.down", "gone"))
    desk.send(NUMBER)
    await until(lambda: desk.dialled, what="dialled")
    first = desk.dialled[0].leg_id
    desk.node.legs[first] = {}
    await desk.told(1)
    assert [kill.leg_id for kill in desk.node.told(UuidKill)] == [first]


async def test_a_number_nobody_has_is_not_dialled_again(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR UNALLOCATED_NUMBER")
    await desk.send(NUMBER)
    assert await desk.told(1) == [(1, "wrong_number", True)]
    await asyncio.sleep(desk.pause_s * 2)
    assert len(desk.dialled) == 1


async def test_rules_that_changed_meanwhile_end_it(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    await desk.send(NUMBER)
    desk.rules = (DialRule(name="none", pattern=r"\d+", allow=False),)
    assert await desk.told(2) == [(1, "busy", False), (2, "refused", True)]
    assert len(desk.dialled) == 1


async def test_a_caller_orders_so_many_and_no_more(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    for visit in (1, 2, 3):
        desk.desk.order(desk.session(visit), desk.wanted(NUMBER))
    third = await desk.desk.send(desk.session(3), desk.line, desk.wanted(NUMBER))
    assert third == Faxed("refused", 0, "fax.too_many")
    another = await desk.desk.send(desk.session(4, call="d"), desk.line, desk.wanted(NUMBER))
    assert another.outcome == "busy"


async def test_a_paper_that_is_gone_ends_it_and_says_so(desk: Desk) -> None:
    desk.node.answer("originate", "-ERR USER_BUSY")
    await desk.send(NUMBER)
    for path in (desk.folder / FOLDER).glob("*.tif"):
        path.unlink()
    assert await desk.told(2) == [(1, "busy", False), (2, "not_drawn", True)]
    assert desk.left == []


def test_facts_of_faxes_nobody_has_heard_of_are_passed_over() -> None:
    past, ids = Past(), {"call_id": "c", "session_id": "s"}
    past.note(FaxStarted(**ids, fax_id="f", attempt=1, leg_id="l"), NOW)
    past.note(FaxDone(**ids, document="d", to="caller", outcome="sent"), NOW)
    assert past.faxes == {}


def test_of_faxes_too_many_are_not_kept() -> None:
    past = Past()
    for number in range(MOST_FAXES + 5):
        ids = {"call_id": "c", "session_id": "s", "fax_id": str(number), "document": "d", "node_id": "fs1"}
        past.note(FaxOrdered(**ids, attempts=1, pause_s=0, ring_s=5, until=NOW), NOW)
    assert len(past.faxes) == MOST_FAXES
    assert str(MOST_FAXES + 4) in past.faxes
