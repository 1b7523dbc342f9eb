"""Every node that asks: how often, what it says to silence and to a wrong input, where it gives up, and which keys keep their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ivr.core.actions import BankAnswer, Collect, Input, Keyed, KeyedKind, QueueKeyed
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
from services.ivr.core.nodes.callback import CallbackNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.identify import IdentifyNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.survey import SurveyNode
from services.ivr.core.session import Moved, Session, advance, begin
from services.ivr.rehearsing import open_folder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GONE = {"kind": "play", "prompts": ["goodbye"], "next": "end"}
MENU = {
    "kind": "menu",
    "prompts": ["main-menu"],
    "choices": {"1": {"next": "a"}, "5": {"next": "done"}},
    "on_failure": "failed",
}
SAID = {"wrong_input": ["amount-wrong"], "no_input": ["still-busy"], "attempts": 3, "timeout_s": 7}
IDENTIFY = {"kind": "identify", "next": "done", "on_failure": "failed", "on_locked": "failed", "on_blocked": "failed",
            "on_unavailable": "failed", **SAID}  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """A node that asks, what brings the caller to the question, a wrong answer, and a key of its own if it has one."""

    node: dict[str, Any]
    wrong: str
    before: tuple[Input, ...] = ()
    own_key: str = ""


ASKING = {
    "menu": Asking({**MENU, "choices": {"1": {"next": "done"}, "*": {"next": "done"}}, **SAID}, "7", own_key="*"),
    "collect": Asking(
        {"kind": "collect", "prompts": ["enter-amount"], "variable": "n", "min_digits": 2, "max_digits": 6, "next": "done",
         "on_failure": "failed", **SAID}, "7"),
    "amount": Asking(
        {"kind": "collect", "prompts": ["enter-amount"], "variable": "n", "min_digits": 1, "max_digits": 6, "next": "done",
         "pattern": r"(?!0$)\d+", "on_failure": "failed", **SAID}, "5*5"),
    "one digit": Asking(
        {"kind": "collect", "prompts": ["enter-amount"], "variable": "n", "min_digits": 1, "max_digits": 1, "pattern": "[02-9]",
         "next": "done",
         "on_failure": "failed", **SAID}, "1", own_key="0"),
    "number": Asking(IDENTIFY, "12"),
    "password": Asking(
        IDENTIFY, "12", (Keyed(KeyedKind.DIGITS, "6222000000000017"), BankAnswer("ok"))),
    "survey": Asking(
        {"kind": "survey", "survey": "s", "questions": [{"id": "q", "prompts": ["rate-service"]}], "next": "failed", **SAID}, "9"),
    "callback": Asking(
        {"kind": "callback", "queue": "retail", "next": "done", "on_declined": "failed", "on_refused": "done",
         "on_unavailable": "done", **SAID}, "9"),
    "callback number": Asking(
        {"kind": "callback", "queue": "retail", "next": "done", "on_declined": "failed", "on_refused": "done",
         "on_unavailable": "done", **SAID}, "12", (Keyed(KeyedKind.DIGITS, "2"),)),
}  # fmt: skip


def walk(node: dict[str, Any], *given: Input) -> Moved:
    nodes = {"first": MENU, "a": node, "end": {"kind": "hang_up"}, **dict.fromkeys(("done", "failed", "people"), GONE)}
    head = {"id": "f", "version": 1, "name": {"en": "F"}, "languages": ["zh"], "start": "first", "resume": "first"}
    document: Flow = parse({**head, "keys": {"0": "people", "*": "@back", "#": "end"}, "nodes": nodes})
    moved = begin(document, Session("s", "c", "c", "fs1", "95500", "13800000001", "", "zh", NOW), NOW)
    for one in (Keyed(KeyedKind.DIGITS, "1"), *given):
        moved = advance(document, moved.session, one, NOW)
    return moved


def keyed(digits: str) -> Keyed:
    return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_it_asks_with_its_own_time_out_and_gives_up_after_its_attempts(asking: Asking) -> None:
    for answer in ("", asking.wrong):
        moved = walk(asking.node, *asking.before)
        for _ in range(3):
            assert moved.session.at == "a"
            assert isinstance(moved.action, Collect)
            assert moved.action.first_digit_s == 7
            given = [keyed(answer)] * moved.session.attempt
            moved = walk(asking.node, *asking.before, *given)
        assert moved.session.at == "failed"


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_it_says_one_thing_to_silence_and_another_to_a_wrong_input_before_it_asks_again(asking: Asking) -> None:
    first = walk(asking.node, *asking.before).action
    assert isinstance(first, Collect)
    for answer, said in (("", "still-busy"), (asking.wrong, "amount-wrong")):
        again = walk(asking.node, *asking.before, keyed(answer)).action
        assert isinstance(again, Collect)
        assert again.prompts == (said, *first.prompts)


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_zero_leads_to_people_and_star_back_unless_the_node_has_a_use_for_the_key(asking: Asking) -> None:
    for key, at in (("0", "people"), ("*", "first")):
        found = walk(asking.node, *asking.before, keyed(key)).session.at
        assert found == ("done" if key == asking.own_key else at)


def test_what_is_keyed_while_it_is_said_counts_and_every_wait_has_its_limits() -> None:
    """Barge-in is the switch's: one application says and listens. So nothing that asks may say its prompts by another one."""
    for asking in ASKING.values():
        action = walk(asking.node, *asking.before).action
        assert isinstance(action, Collect)
        assert action.prompts
        assert action.min_digits == 1
        assert 0 < action.between_digits_s <= 60


def test_who_waits_for_an_agent_and_is_asked_for_his_number_is_asked_three_times_at_most() -> None:
    ways = dict.fromkeys(("on_callback", "on_refused", "on_overflow"), "end")
    nodes = {"a": {"kind": "queue", "queue": "retail", "callback_key": "1", **ways}, "end": {"kind": "hang_up"}}
    head = {"id": "f", "version": 1, "name": {"en": "F"}, "languages": ["zh"], "start": "a", "resume": "a"}
    document = parse({**head, "nodes": nodes})
    moved = begin(document, Session("s", "c", "c", "fs1", "95500", "", "", "zh", NOW), NOW)
    asked = 0
    given: list[Input] = [QueueKeyed("1"), *[keyed("12")] * 3]
    for one in given:
        moved = advance(document, moved.session, one, NOW)
        asked += isinstance(moved.action, Collect)
    assert asked == 3
    assert not isinstance(moved.action, Collect)


def test_every_input_of_the_banks_flows_leads_somewhere_when_nobody_answers() -> None:
    store = open_folder(Path("flows"), Path("freeswitch/sounds/prompts.yaml"))
    kinds = (MenuNode, CollectNode, IdentifyNode, SurveyNode, CallbackNode)
    asking = [node for flow in store.all() for node in flow.nodes.values() if isinstance(node, kinds)]
    assert len(asking) > 100
    for node in asking:
        assert node.attempts >= 1
        assert node.timeout_s >= 1
        assert node.targets()
        assert node.wrong_input
        assert node.no_input
        said = node.says()
        assert all(one in said for one in (*node.wrong_input, *node.no_input))
