"""Why an agent was passed over is said in Chinese, too: every reason the core gives has its words."""

from __future__ import annotations

import re

import pytest

from ipcc.contracts.acd import AgentState, OfferMade
from services.acd.core.explanation import sentence
from services.acd.core.reasons import chinese, with_chinese_reasons
from tests.unit.acd.world import World, queue, user

LATIN = re.compile(r"[A-Za-z]{3,}")


@pytest.mark.parametrize("state", list(AgentState))
def test_every_state_has_its_words(state: AgentState) -> None:
    assert LATIN.search(chinese(f"is {state.value}")) is None


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("skill loans: has 2, needs 5", "技能 loans:有 2 级,要求 5 级"),
        ("does not speak en", "不会说 en"),
        ("not of group a or b", "不属于组 a 或 b"),
        ("not at site north", "不在站点 north"),
        ("phone is on switch fs2", "话机在交换机 fs2 上"),
        ("does not fulfil english >= 5 or german >= 3", "不满足条件 english >= 5 或 german >= 3"),
        ("the caller waits for another agent", "客户在等另一名座席"),
        ("no longer a user", "已不是用户"),
        ("something new", "something new"),
    ],
)
def test_a_reason_is_said_in_chinese_and_stays_as_it_is_where_there_are_no_words(reason: str, said: str) -> None:
    assert chinese(reason) == said


def test_the_sentence_about_an_offer_says_why_others_were_not_chosen_in_its_language() -> None:
    world = World(queue(), agents=(user("ann"), user("bob", skills={"service": 1}), user("eve")))
    world.come("ann", "bob", "eve")
    world.call("w")
    world.serve("w")
    world.call("x")
    made = world.told(OfferMade)[-1]
    assert set(made.why["others"]) == {"ann", "bob"}
    words = sentence(with_chinese_reasons(made), "zh")
    assert "ann (通话中)" in words
    assert "bob (技能 service:有 1 级,要求 3 级)" in words
    assert "bob (skill service: has 1, needs 3)" in sentence(made)
