"""Broken promises are seen, mended ones cleared, and what is only late on another topic is no breach."""

from __future__ import annotations

from datetime import timedelta

from ipcc.contracts.acd import AgentState, EntryOutcome, OfferOutcome
from services.monitor.core.invariants import PHONE_WITHIN, RECORDING_WITHIN, Breach, Watch
from tests.unit.monitor import stories as s
from tests.unit.monitor.stories import NOON, Told


def short(breaches: list[Breach]) -> list[tuple[str, str, bool]]:
    return [(b.rule, b.key, b.cleared) for b in breaches]


def test_one_entry_at_two_agents_is_seen_and_cleared_when_one_is_left() -> None:
    watch, told = Watch(), Told()
    assert watch.apply(told.at(0, s.offered("c1", "a1", "o1"))) == []
    assert short(watch.apply(told.at(1, s.offered("c1", "a2", "o2")))) == [("I1", "e-c1", False)]
    assert short(watch.apply(told.at(2, s.offer_ended("c1", "a1", "o1")))) == [("I1", "e-c1", True)]
    assert watch.apply(told.at(3, s.offer_ended("c1", "a2", "o2"))) == []
    assert watch.offers_by_entry == {}


def test_a_queue_that_rings_all_is_no_breach_but_two_queues_at_once_are() -> None:
    watch, told = Watch(), Told()
    for number in range(3):
        assert watch.apply(told.at(0, s.offered("c1", f"a{number}", f"o{number}", "ring_all"))) == []
    assert short(watch.apply(told.at(1, s.offered("c1", "a4", "o4", "ring_all", "vip")))) == [("I1", "e-c1", False)]
    assert short(watch.apply(told.at(1, s.offered("c1", "a5", "o5", "longest_idle")))) == [("I1", "e-c1", False)]
    for number in range(6):
        watch.apply(told.at(2, s.offer_ended("c1", f"a{number}", f"o{number}")))
    assert (watch.offers_by_entry, watch.ringing_all) == ({}, {})


def test_an_entry_that_was_moved_ends_once_and_without_a_breach() -> None:
    watch, told = Watch(), Told()
    for data in (s.queued("c1"), s.moved("c1", "retail", "vip"), s.left("c1", EntryOutcome.ANSWERED, queue="vip")):
        assert watch.apply(told.at(0, data)) == []


def test_one_agent_with_two_offers_is_seen() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.offered("c1", "a1", "o1")))
    assert short(watch.apply(told.at(1, s.offered("c2", "a1", "o2")))) == [("I2", "a1", False)]
    no_answer = OfferOutcome.NO_ANSWER
    assert short(watch.apply(told.at(2, s.offer_ended("c1", "a1", "o1", no_answer)))) == [("I2", "a1", True)]
    watch.apply(told.at(3, s.offer_ended("c2", "a1", "o2", no_answer)))
    assert (watch.held, watch.most) == ({}, {})


def test_one_agent_offered_a_call_while_he_has_one_is_seen_until_the_first_is_done_with() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.offered("c1", "a1", "o1")))
    assert watch.apply(told.at(1, s.offer_ended("c1", "a1", "o1"))) == []
    assert short(watch.apply(told.at(2, s.offered("c2", "a1", "o2")))) == [("I2", "a1", False)]
    assert short(watch.apply(told.at(3, s.handled("c1", "a1")))) == [("I2", "a1", True)]


def test_chats_up_to_his_capacity_beside_a_call_are_no_breach_and_one_more_is() -> None:
    watch, told = Watch(), Told()
    assert watch.apply(told.at(0, s.offered("c1", "a1", "o1"))) == []
    for number in (2, 3):
        chat = s.offered(f"c{number}", "a1", f"o{number}").model_copy(update={"medium": "chat", "capacity": 2})
        assert watch.apply(told.at(1, chat)) == []
    more = s.offered("c4", "a1", "o4").model_copy(update={"medium": "chat", "capacity": 2})
    assert short(watch.apply(told.at(2, more))) == [("I2", "a1/chat", False)]
    gone = s.offer_ended("c4", "a1", "o4", OfferOutcome.DECLINED).model_copy(update={"medium": "chat"})
    assert short(watch.apply(told.at(3, gone))) == [("I2", "a1/chat", True)]


def test_one_offer_after_the_other_is_how_it_should_be() -> None:
    watch, told = Watch(), Told()
    for number in range(3):
        assert watch.apply(told.at(number, s.offered("c1", f"a{number}", f"o{number}"))) == []
        assert watch.apply(told.at(number, s.offer_ended("c1", f"a{number}", f"o{number}"))) == []


def test_an_entry_that_ended_twice_or_never_began_is_seen() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.queued("c1")))
    assert watch.apply(told.at(1, s.left("c1", EntryOutcome.ANSWERED))) == []
    assert short(watch.apply(told.at(2, s.left("c1", EntryOutcome.ABANDONED)))) == [("I6", "e-c1", False)]
    assert short(watch.apply(told.at(3, s.left("c2", EntryOutcome.ABANDONED)))) == [("I6", "e-c2", False)]


def test_an_answered_leg_without_a_recording_is_seen_in_time_only() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.agent_leg_ended("c1", "l1")))
    watch.apply(told.at(0, s.agent_leg_ended("c1", "l2")))
    watch.apply(told.at(0, s.stored("l3")))
    watch.apply(told.at(1, s.agent_leg_ended("c1", "l3")))
    assert watch.look(NOON + RECORDING_WITHIN) == []
    watch.apply(told.at(60, s.stored("l1")))
    late = NOON + RECORDING_WITHIN + timedelta(seconds=1)
    assert short(watch.look(late)) == [("I10", "l2", False)]
    assert watch.look(late) == []


def test_a_leg_that_was_lost_and_found_again_is_not_missed_before_it_really_ended() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.agent_leg_ended("c1", "l1")))
    assert watch.apply(told.at(5, s.agent_leg_found("c1", "l1"))) == []
    assert watch.look(NOON + timedelta(hours=1)) == []
    watch.apply(told.at(3600, s.agent_leg_ended("c1", "l1")))
    missed = watch.look(NOON + timedelta(hours=1, seconds=1) + RECORDING_WITHIN)
    assert short(missed) == [("I10", "l1", False)]
    # found so late that it was missed already: the alert goes
    assert short(watch.apply(told.at(4000, s.agent_leg_found("c1", "l1")))) == [("I10", "l1", True)]


def test_a_recording_that_failed_is_seen_at_once() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.agent_leg_ended("c1", "l1")))
    assert short(watch.apply(told.at(1, s.recording_failed("l1")))) == [("I10", "l1", False)]
    assert watch.look(NOON + timedelta(hours=1)) == []


def test_an_agent_ready_without_a_phone_is_seen_after_a_moment_and_cleared_when_it_is_back() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.phone("p1", registered=True)))
    watch.apply(told.at(1, s.agent("a1", AgentState.READY)))
    watch.apply(told.at(10, s.phone("p1", registered=False)))
    assert watch.look(NOON + timedelta(seconds=10) + PHONE_WITHIN) == []
    assert short(watch.look(NOON + timedelta(seconds=11) + PHONE_WITHIN)) == [("I9", "a1", False)]
    assert short(watch.apply(told.at(30, s.phone("p1", registered=True)))) == [("I9", "a1", True)]
    assert watch.look(NOON + timedelta(hours=1)) == []


def test_an_agent_taken_out_of_ready_is_no_breach() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.agent("a1", AgentState.READY)))
    watch.apply(told.at(10, s.phone("p1", registered=False)))
    assert short(watch.apply(told.at(11, s.agent("a1", AgentState.NOT_READY)))) == [("I9", "a1", True)]
    assert watch.look(NOON + timedelta(hours=1)) == []


def test_phones_and_agents_told_in_the_other_order_are_no_breach() -> None:
    watch, told = Watch(), Told()
    watch.apply(told.at(0, s.phone("p1", registered=False)))
    watch.apply(told.at(6, s.agent("a1", AgentState.READY)))
    watch.apply(told.at(5, s.phone("p1", registered=True)))
    assert watch.look(NOON + timedelta(hours=1)) == []
