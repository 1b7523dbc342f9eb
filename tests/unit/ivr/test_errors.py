"""What goes wrong inside a flow: its own way for that, the way of the sub-flow it happens in, and no circle without end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.errors import Invalid
from services.ivr.core.actions import Failed, Input, Keyed, KeyedKind, Played
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow, read_document
from services.ivr.core.session import Session, advance, begin

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEAD = {"version": 1, "name": {"en": "F"}, "languages": ["zh", "en"], "start": "a", "resume": "a"}
SAY = {"kind": "play", "prompts": [{"amount": "sum"}], "next": "a"}
ASK = {
    "kind": "menu",
    "prompts": ["main-menu"],
    "choices": {"1": {"next": "say"}, "9": {"next": "end"}},
    "on_failure": "end",
}
END = {"end": {"kind": "hang_up"}}
KEY = Keyed(KeyedKind.DIGITS, "1")
FAILED = Failed("speech.amount")


def flow(nodes: dict[str, Any], parts: dict[str, Flow] | None = None, **more: Any) -> Flow:
    return parse({**HEAD, "id": "f", **more, "nodes": {**nodes, **END}}, parts)


def at(document: Flow, *given: Input) -> str:
    session = Session("s", "c", "c", "fs1", "95500", "13800000001", "", "zh", NOW, variables={"sum": "much"})
    moved = begin(document, session, NOW)
    for one in given:
        moved = advance(document, moved.session, one, NOW)
    return moved.session.at


HANDLER = {
    "kind": "error",
    "outcomes": {"speech.amount": "amount"},
    "most": 3,
    "next": "other",
    "on_repeated": "people",
}
PROMPT = {"kind": "play", "prompts": ["system-busy"], "next": "a"}
HANDLED = {
    "a": ASK,
    "say": SAY,
    "wrong": HANDLER,
    "amount": PROMPT,
    "other": PROMPT,
    "people": {**PROMPT, "next": "end"},
}


def test_an_error_takes_the_way_of_its_code_or_the_one_for_all_others() -> None:
    document = flow(HANDLED, on_error="wrong")
    assert at(document, KEY, FAILED) == "amount"
    assert at(document, KEY, Failed("speech.date")) == "other"


def test_a_flow_that_fails_again_and_again_sends_the_caller_to_people() -> None:
    round_trip: list[Input] = [KEY, FAILED, Played()]
    assert at(flow(HANDLED, on_error="wrong"), *round_trip, *round_trip, KEY, FAILED) == "people"


PART = {"ask": {**ASK, "choices": {"1": {"next": "say"}, "9": {"next": "back"}}, "on_failure": "back"}, "say": {**SAY, "next": "ask"},
        "own": {"kind": "play", "prompts": ["request-failed"], "next": "back"}, "back": {"kind": "return"}}  # fmt: skip
OUTER = {"a": {"kind": "sub_flow", "flow": "part", "outcomes": {"done": "end"}}, "sorry": {**PROMPT, "next": "end"}}


def part(nodes: dict[str, Any], **more: Any) -> dict[str, Flow]:
    return {"part": read_document({**HEAD, "id": "part", "start": "ask", "resume": "ask", "nodes": nodes, **more})}


def test_inside_a_sub_flow_its_own_handler_holds_and_the_outer_one_where_it_has_none() -> None:
    assert at(flow(OUTER, part(PART, on_error="own"), on_error="sorry"), KEY, FAILED) == "a.own"
    plain = {name: node for name, node in PART.items() if name != "own"}
    assert at(flow(OUTER, part(plain), on_error="sorry"), KEY, FAILED) == "sorry"


def test_a_handler_that_fails_itself_is_handled_by_the_next_one_outside() -> None:
    failing = part({**PART, "own": {"kind": "play", "prompts": [{"amount": "sum"}], "next": "back"}}, on_error="own")
    assert at(flow(OUTER, failing, on_error="sorry"), KEY, FAILED, FAILED) == "sorry"
    with pytest.raises(Invalid):
        at(flow({**OUTER, "sorry": {**SAY, "next": "end"}}, failing, on_error="sorry"), KEY, *[FAILED] * 3)


def test_a_handler_that_is_no_node_is_found_before_it_is_needed() -> None:
    with pytest.raises(Invalid, match=r"there is no node a\.nowhere"):
        flow({**OUTER, "sorry": {**PROMPT, "next": "end"}}, part(PART, on_error="nowhere"), on_error="sorry")
