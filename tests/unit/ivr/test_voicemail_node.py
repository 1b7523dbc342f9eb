"""A message for the agents of a queue: too short, heard again, said anew, sent; and what is left by who hangs up."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.ivr import MessageLeft, NodeLeft, SessionEnded
from services.ivr.core.actions import CallerGone, Collect, Input, Record, Recorded, Stopped
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, note_answer
from tests.unit.ivr.test_nodes import Walk, flow, keyed

PATH = "/spool/messages/c-1.wav"
NODE = {"kind": "voicemail", "queue": "retail", "next": "thanks", "on_nothing": "n", "longest_s": 60}
REVIEWED = {**NODE, "review": ["message-review"]}


def document(node: dict[str, Any] = NODE, **more: Any) -> Flow:
    nodes: dict[str, Any] = {"a": node}
    nodes |= {name: {"kind": "play", "prompts": ["goodbye"], "next": "end"} for name in ("n", "thanks")}
    return flow(nodes, **more)


def left(walk: Walk) -> list[tuple[str, int]]:
    return [(fact.path, fact.seconds) for fact in walk.facts if isinstance(fact, MessageLeft)]


def said(seconds: int, **how: bool) -> Recorded:
    return Recorded(PATH, seconds, **how)


def test_the_tone_comes_after_the_prompt_and_a_flow_may_do_without() -> None:
    assert Walk(document()).action == Record(("leave-message",), "c-1", 60, 5, beep=True)
    assert not Walk(document({**NODE, "beep": False})).action.beep


def test_what_is_told_is_who_called_and_how_long_he_spoke_without_the_silence_that_ended_it() -> None:
    walk = Walk(document(), customer_id="c1001").then(said(12, is_silenced=True))
    (fact,) = [one for one in walk.facts if isinstance(one, MessageLeft)]
    assert (fact.queue_id, fact.path, fact.seconds, fact.caller_number) == ("retail", PATH, 7, "13800000001")
    assert (fact.attributes["customer_id"], fact.attributes["language"]) == ("c1001", "zh")
    assert walk.at == "thanks"


@pytest.mark.parametrize("nothing", [said(5, is_silenced=True), said(0)])
def test_silence_and_what_is_too_short_is_said_and_begun_anew_and_leaves_nothing_in_the_end(nothing: Recorded) -> None:
    walk = Walk(document()).then(nothing)
    assert walk.action == Record(("message-too-short", "leave-message"), "c-1", 60, 5)
    assert walk.then(nothing).at == "n"
    assert left(walk) == []
    assert left(Walk(document()).then(nothing, said(3))) == [(PATH, 3)]


def test_the_caller_hears_it_again_says_it_anew_under_the_same_name_and_sends_it() -> None:
    walk = Walk(document(REVIEWED)).then(said(7))
    assert walk.action.prompts == ("message-review",)
    assert walk.then(keyed("2")).action.prompts == (PATH, "message-review")
    assert isinstance(walk.action, Collect)
    assert walk.then(keyed("3")).action == Record(("leave-message",), "c-1", 60, 5)
    assert left(walk) == []
    assert walk.then(said(9), keyed("1")).at == "thanks"
    assert left(walk) == [(PATH, 9)]


@pytest.mark.parametrize("end", ["1", "#"])
def test_one_and_pound_send_it(end: str) -> None:
    walk = Walk(document(REVIEWED, keys={"#": "n"})).then(said(7), keyed(end))
    assert (walk.at, left(walk)) == ("thanks", [(PATH, 7)])


def test_what_is_not_decided_is_sent() -> None:
    walk = Walk(document(REVIEWED)).then(said(7), keyed("9"))
    assert walk.action.prompts == ("wrong-input", "message-review")
    assert (walk.then(keyed("")).at, left(walk)) == ("thanks", [(PATH, 7)])


def test_who_goes_on_by_a_key_of_the_flow_has_sent_what_he_said() -> None:
    walk = Walk(document(REVIEWED, keys={"0": "n"})).then(said(7), keyed("0"))
    assert (walk.at, left(walk)) == ("n", [(PATH, 7)])


@pytest.mark.parametrize("end", [CallerGone(), Stopped()])
def test_who_is_gone_while_he_is_asked_what_to_do_with_it_has_left_it(end: Input) -> None:
    walk = Walk(document(REVIEWED)).then(said(7), end)
    assert left(walk) == [(PATH, 7)]
    assert [type(fact) for fact in walk.facts[-3:]] == [MessageLeft, NodeLeft, SessionEnded]


@pytest.mark.parametrize(("seconds", "is_left"), [(1, True), (6, True), (0, False)])
def test_who_hangs_up_while_he_speaks_has_left_what_he_said_and_the_session_ends_where_it_stood(
    seconds: int, is_left: bool
) -> None:
    for node in (NODE, REVIEWED):
        walk = Walk(document(node)).then(said(seconds, is_hung_up=True))
        assert left(walk) == ([(PATH, seconds)] if is_left else [])
        assert (walk.at, walk.moved.session.outcome, walk.action) == ("a", "hung_up", None)
        (ended,) = [fact for fact in walk.facts if isinstance(fact, SessionEnded)]
        assert (ended.outcome, ended.last_flow_node) == ("hung_up", "a")


def test_what_was_said_before_he_was_told_to_be_gone_is_told_all_the_same() -> None:
    moved: Moved = Walk(document(REVIEWED)).moved
    (fact,) = note_answer(document(REVIEWED), moved.session, said(4))
    assert isinstance(fact, MessageLeft)
    assert note_answer(document(), moved.session, said(0)) == ()


def test_a_record_node_takes_silence_for_nothing_too() -> None:
    node = {"kind": "record", "prompts": ["beep-record"], "next": "thanks", "on_nothing": "n", "silence_s": 3}
    assert Walk(document(node)).then(said(3, is_silenced=True)).at == "n"
    assert Walk(document(node)).then(said(4, is_silenced=True)).at == "thanks"
