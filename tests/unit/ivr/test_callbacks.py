"""Called back: by a key while he waits, or offered by a node of its own; and text messages ordered from the bank."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.errors import Invalid
from services.ivr.core.actions import (
    CALLBACK,
    AskCallback,
    BankAnswer,
    CallbackAsked,
    CallBank,
    Collect,
    Input,
    JoinQueue,
    Keyed,
    KeyedKind,
    QueueKeyed,
    QueueLeft,
)
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, advance, begin, resume

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROMPT = {"kind": "play", "prompts": ["goodbye"], "next": "end"}
QUEUE = {
    "kind": "queue",
    "queue": "retail",
    "callback_key": "1",
    "on_callback": "promised",
    "on_refused": "end",
    "on_overflow": "end",
}
CALLBACK_NODE = {"kind": "callback", "queue": "retail", "next": "promised", "on_declined": "declined", "on_refused": "refused",
                 "on_unavailable": "unavailable"}  # fmt: skip
ENDS = {"end": {"kind": "hang_up"}, "promised": PROMPT}


def flow(nodes: dict[str, Any], **more: Any) -> Flow:
    document = {"id": "f", "version": 1, "name": {"en": "F"}, "languages": ["zh", "en"], "start": "a", "resume": "end"}
    return parse({**document, **more, "nodes": {**ENDS, **nodes}})


def keyed(digits: str) -> Keyed:
    return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)


def walk(document: Flow, *given: Input, caller: str = "13800000001", **known: str) -> Moved:
    secrets = {"card_no": "6222000000000017"}
    session = Session("s", "c", "c", "fs1", "95500", caller, "", "zh", NOW, variables=known, secrets=secrets)
    moved = begin(document, session, NOW)
    for one in given:
        moved = advance(document, moved.session, one, NOW)
    return moved


def test_by_a_key_he_keeps_his_place_and_is_called_back_at_his_number() -> None:
    document = flow({"a": QUEUE})
    joined = walk(document).action
    assert isinstance(joined, JoinQueue)
    assert joined.keys == "1"
    asked = walk(document, QueueKeyed("1")).action
    assert asked == AskCallback(joined.entry_id, "retail")
    done = walk(document, QueueKeyed("1"), CallbackAsked("taken"))
    assert done.session.at == "promised"


@pytest.mark.parametrize("answer", [CallbackAsked("refused", "acd.no_callback"), CallbackAsked("unavailable")])
def test_where_that_cannot_be_he_is_told_so_and_waits_on_in_the_same_place(answer: CallbackAsked) -> None:
    document = flow({"a": QUEUE})
    first, again = walk(document).action, walk(document, QueueKeyed("1"), answer).action
    assert isinstance(first, JoinQueue)
    assert isinstance(again, JoinQueue)
    assert (again.entry_id, again.entered_at, again.first) == (first.entry_id, first.entered_at, ("callback-not-now",))


def test_a_caller_whose_number_is_unknown_is_asked_for_one_unless_an_agent_is_about_to_be_joined_to_him() -> None:
    document = flow({"a": QUEUE}, keys={"0": "end", "*": "end"})
    asked = walk(document, QueueKeyed("1"), caller="anonymous").action
    assert isinstance(asked, Collect)
    assert asked.secret
    numbered = walk(document, QueueKeyed("1"), keyed("12"), keyed("60000001"), caller="anonymous").action
    assert isinstance(numbered, AskCallback)
    assert numbered.phone_number == "60000001"
    assert "60000001" not in repr(numbered)
    assert isinstance(walk(document, QueueKeyed("1", is_offered=True), caller="anonymous").action, JoinQueue)
    # silent, or cut off by the agent; a key that means something elsewhere does not make him lose his place unseen
    for given in ([keyed("")], [keyed("0"), keyed("*"), keyed("0")]):
        assert isinstance(walk(document, QueueKeyed("1"), *given, caller="anonymous").action, JoinQueue)


def test_whoever_asked_for_the_callback_he_goes_the_same_way() -> None:
    assert walk(flow({"a": QUEUE}), QueueLeft(CALLBACK)).session.at == "promised"


@pytest.mark.parametrize("missing", ["callback_key", "on_callback"])
def test_a_key_without_a_way_is_no_queue_node(missing: str) -> None:
    with pytest.raises(Invalid, match="go together"):
        flow({"a": {name: value for name, value in QUEUE.items() if name != missing}})


OFFER = {"a": CALLBACK_NODE, **dict.fromkeys(("declined", "refused", "unavailable"), PROMPT)}


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ([keyed("1"), CallbackAsked("taken")], "promised"),
        ([keyed("2"), keyed("60000001"), CallbackAsked("taken")], "promised"),
        ([keyed("1"), CallbackAsked("refused", "acd.callback_waits")], "refused"),
        ([keyed("1"), CallbackAsked("unavailable")], "unavailable"),
        ([keyed("7"), keyed(""), keyed("8")], "declined"),
        ([keyed("2"), keyed("1"), keyed("2"), keyed("")], "declined"),
        ([keyed("0")], "end"),
        ([keyed("2"), keyed("0")], "end"),
    ],
)
def test_a_callback_that_is_offered_ends_where_it_must(given: list[Input], at: str) -> None:
    assert walk(flow(OFFER, keys={"0": "end"}), *given).session.at == at


def test_an_offered_callback_is_a_new_entry_that_stays_the_same_when_it_is_asked_again() -> None:
    document = flow(OFFER)
    moved = walk(document, keyed("1"))
    wanted = moved.action
    assert isinstance(wanted, AskCallback)
    assert (wanted.is_new, wanted.phone_number, wanted.entered_at) == (True, "", NOW.isoformat())
    session = Session("s", "c", "c", "fs1", "95500", "13800000001", "", "zh", NOW)
    resumed = resume(document, session, moved.session.place(), "a", NOW)
    again = advance(document, resumed.session, keyed("1"), NOW).action
    assert isinstance(again, AskCallback)
    assert again.entry_id == wanted.entry_id
    # an unknown number is asked for at once
    asked = walk(document, caller="").action
    assert isinstance(asked, Collect)
    assert asked.prompts == ("enter-phone",)


SMS = {"kind": "sms", "template": "receipt", "values": {"amount": "moved", "reference": "reference"}, "next": "promised",
       "refused": {"no_mobile": "none"}, "on_refused": "end", "on_unavailable": "end"}  # fmt: skip


def test_a_message_names_what_is_known_and_goes_to_the_mobile_the_bank_has() -> None:
    nodes = {"a": SMS, "none": PROMPT}
    asked = walk(flow(nodes), moved="100.50").action
    assert asked == CallBank("send_message", {"template": "receipt", "card_no": "6222000000000017", "amount": "100.50"})
    done = walk(flow(nodes), BankAnswer("ok", values={"number_tail": "1001"}))
    assert (done.session.at, done.session.known("number_tail")) == ("promised", "1001")
    assert walk(flow(nodes), BankAnswer("refused", "no_mobile")).session.at == "none"
    assert walk(flow(nodes), BankAnswer("unavailable")).session.at == "end"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"values": {"sum": "moved"}}, "a: send_message takes no sum"),
        ({"values": {"amount": "pin"}}, "a: uses the secret pin outside the bank"),
        ({"to": "pin"}, "a: uses the secret pin outside the bank"),
    ],
)
def test_a_message_that_the_bank_cannot_send_or_that_tells_a_secret_is_refused(
    changed: dict[str, Any], reason: str
) -> None:
    pin = {"kind": "collect", "prompts": ["enter-pin"], "variable": "pin", "secret": True, "min_digits": 6, "max_digits": 6,
           "next": "a", "on_failure": "end"}  # fmt: skip
    with pytest.raises(Invalid, match=reason):
        flow({"pin": pin, "none": PROMPT, "a": {**SMS, **changed}}, start="pin")
