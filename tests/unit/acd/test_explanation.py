"""The story of a contact in words."""

from __future__ import annotations

from string import Formatter

from services.acd.core.explanation import because, sentence
from services.acd.core.inputs import RingFailed
from services.acd.core.phrases import CHINESE, ENGLISH
from tests.unit.acd.world import World, user


def test_a_contact_tells_its_story() -> None:
    world = World(agents=(user("low", skills={"service": 1}), user("ann"), user("bob")))
    world.come("low", "ann", "bob")
    world.wait(7)
    world.call("x", priority=2)
    world.give(RingFailed(world.offer_of("x"), "USER_BUSY"))
    world.serve("x")
    words = [sentence(event) for _, event in world.events]
    assert [w for w in words if w][0:6] == [
        "Queued in service with priority 2.",
        "Offered to ann: idle for 9 s, longest of 2 who fit (asks service 3); not low (skill service: has 1, needs 3).",
        "ann's phone was busy.",
        "Offered to bob: idle for 8 s, longest of 1 who fit (asks service 3); "
        "not ann (is not_ready), low (skill service: has 1, needs 3).",
        "The phone of bob rang.",
        "bob picked up.",
    ]
    assert words[-2] == "Left the queue after 0.0 s: answered by bob."


def test_every_phrase_exists_in_both_languages_with_the_same_places() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert {key: places(text) for key, text in ENGLISH.items()} == {key: places(text) for key, text in CHINESE.items()}


def test_chinese_says_the_same() -> None:
    world = World(agents=(user("ann"),))
    world.come("ann")
    world.call("x")
    words = [sentence(event, "zh") for _, event in world.events]
    assert [w for w in words if w] == [
        "进入队列 service,优先级 5。",
        "分配给 ann:已空闲 1 秒,在 1 名合适座席中最久(要求 service 3)。",
    ]


def test_an_offer_without_reasons_says_so() -> None:
    assert because({}) == "no reason was kept."


def test_who_was_passed_over_and_tried_before_is_said() -> None:
    why = {
        "candidates": [{"agent_id": "ann", "idle_s": 3.0, "tries": 1}],
        "candidate_count": 1,
        "passed_over": 2,
        "others": {"bob": "is talking"},
        "other_count": 5,
    }
    assert because(why) == (
        "idle for 3 s, longest of 1 who fit; all who fit had been tried; "
        "2 ahead in the queue could not be served by anyone idle; not bob (is talking) and 4 more."
    )
