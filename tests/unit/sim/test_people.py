"""Scripted people: what they do, and when."""

from ipcc.sim.outputs import (
    CallerAnswered,
    PhoneCancelled,
    PhoneInvited,
    PlaybackStarted,
    RecordingStarted,
    SimEvent,
)
from ipcc.sim.people import Caller, Keys, Move, People, PhoneScript


def invited(uuid: str = "leg", user: str = "1001") -> PhoneInvited:
    return PhoneInvited("sofia/phones/x", uuid, user, "127.0.0.1:1", "", "")


def bridge(a: str, b: str) -> SimEvent:
    return SimEvent("CHANNEL_BRIDGE", None, {"Bridge-A-Unique-ID": a, "Bridge-B-Unique-ID": b})


def kinds(people: People, now: float) -> list[str]:
    return [move.kind for move in people.take(now)]


def test_a_phone_rings_and_is_answered_in_time() -> None:
    people = People()
    people.set_phone(PhoneScript("1001", answer_after_s=2, ring_after_s=0.1))
    people.hear(invited(), 10)
    assert kinds(people, 10.2) == ["ring"]
    assert people.next_due() == 12
    assert kinds(people, 12) == ["answer"]


def test_a_busy_phone_refuses_and_a_phone_nobody_knows_is_unreachable() -> None:
    people = People()
    people.set_phone(PhoneScript("1001", refuse=486, ring_after_s=None))
    people.hear(invited(), 0)
    people.hear(invited("other", "1002"), 0)
    moves = people.take(1)
    assert moves == [Move("other", "unreachable"), Move("leg", "refuse", code=486)]


def test_a_phone_that_is_never_answered_only_rings() -> None:
    people = People()
    people.set_phone(PhoneScript("1001", answer_after_s=None))
    people.hear(invited(), 0)
    assert kinds(people, 100) == ["ring"]


def test_every_phone_not_named_does_what_the_star_does() -> None:
    people = People()
    people.set_phone(PhoneScript("*", answer_after_s=0, ring_after_s=None))
    people.hear(invited(user="77"), 0)
    assert kinds(people, 0) == ["answer"]


def test_a_phone_with_enough_calls_is_busy() -> None:
    people = People()
    people.set_phone(PhoneScript("1001", answer_after_s=0, ring_after_s=None, at_most=1))
    people.hear(invited("one"), 0)
    people.hear(invited("two"), 0)
    assert {move.uuid: move.kind for move in people.take(1)} == {"one": "answer", "two": "refuse"}


def test_a_cancelled_phone_does_nothing_more() -> None:
    people = People()
    people.set_phone(PhoneScript("1001", answer_after_s=2))
    people.hear(invited(), 0)
    people.take(1)
    people.hear(PhoneCancelled("leg", "LOSE_RACE", ""), 1)
    assert people.take(5) == []


def test_a_caller_keys_when_he_hears_the_prompt_for_the_second_time() -> None:
    people = People()
    people.watch("u", Caller("1", "2", keys=(Keys("12", prompt="menu", nth=2, after_s=1, gap_s=0.5),)), 0)
    people.hear(PlaybackStarted("u", "/p/menu.wav"), 1)
    assert people.next_due() is None
    people.hear(PlaybackStarted("u", "/p/menu.wav"), 5)
    assert people.take(6) == [Move("u", "press", digit="1")]
    assert people.take(6.5) == [Move("u", "press", digit="2")]


def test_a_caller_gives_up_unless_he_was_joined() -> None:
    people = People()
    for uuid in ("alone", "joined"):
        people.watch(uuid, Caller("1", "2", patience_s=5, talk_s=3), 0)
    people.hear(bridge("joined", "agent"), 4)
    assert people.take(5) == [Move("alone", "hang_up")]
    assert people.take(7) == [Move("joined", "hang_up")]


def test_keys_without_prompt_count_from_the_answer() -> None:
    people = People()
    people.watch("u", Caller("1", "2", keys=(Keys("9", after_s=2),), hang_up_after_s=4), 0)
    people.hear(CallerAnswered("u"), 1)
    assert people.take(3) == [Move("u", "press", digit="9")]
    assert people.take(5) == [Move("u", "hang_up")]


def test_who_says_something_when_he_alone_is_recorded_falls_silent_after_it_each_time() -> None:
    people = People()
    people.watch("leg", Caller("13800000001", "95500", says_s=4), 0)
    people.hear(RecordingStarted("leg", "/r/both.wav", 0, stereo=True), 0)
    assert people.next_due() is None
    for begun in (10, 20):
        people.hear(RecordingStarted("leg", "/r/a.wav", begun, stereo=False, alone=True), begun)
        assert kinds(people, begun) == ["speak"]
        assert people.next_due() == begun + 4
        assert kinds(people, begun + 4) == ["fall_silent"]


def test_who_is_to_say_nothing_special_speaks_on_and_on() -> None:
    people = People()
    people.watch("leg", Caller("13800000001", "95500"), 0)
    people.hear(RecordingStarted("leg", "/r/a.wav", 0, stereo=False, alone=True), 0)
    assert people.next_due() is None
