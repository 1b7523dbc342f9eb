"""The bank's main flow, walked without a switch: what callers press, what the bank answers, where they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.envelope import encode, wrap
from ipcc.contracts.ivr import IvrPayload, MessageLeft, NodeEntered, SessionEnded
from ipcc.errors import Invalid
from services.ivr.catalogue import FlowStore
from services.ivr.core.actions import (
    BankAnswer,
    CallBank,
    CallerGone,
    Collect,
    HangUp,
    Heard,
    Input,
    JoinQueue,
    Keyed,
    KeyedKind,
    Listen,
    Play,
    Played,
    QueueLeft,
    Record,
    Recorded,
)
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow
from services.ivr.core.session import Moved, Session, advance, begin, resume

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CARD = "622200000000001"
PIN = "493817"


@cache
def parts() -> dict[str, Flow]:
    return FlowStore.read(Path("flows")).parts()


@cache
def flow() -> Flow:
    return parse(json.loads(Path("flows/bank-main.json").read_text(encoding="utf-8")), parts())


def session() -> Session:
    return Session("s1", "c1", "c1", "fs1", "95500", "13800000001", "", "zh", NOW)


def keyed(digits: str) -> Keyed:
    return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)


def walk(*inputs: Input) -> tuple[Moved, list[IvrPayload]]:
    document = flow()
    moved = begin(document, session(), NOW)
    facts = list(moved.facts)
    for given_input in inputs:
        moved = advance(document, moved.session, given_input, NOW)
        facts += moved.facts
        while isinstance(moved.action, Listen):
            # no recogniser here
            moved = advance(document, moved.session, Heard("unavailable"), NOW)
            facts += moved.facts
    return moved, facts


def test_a_verified_customer_hears_his_balance() -> None:
    moved, facts = walk(
        keyed("1"),
        keyed("1"),
        keyed(CARD),
        BankAnswer("ok", values={"customer_id": "k1", "card_tail": "0001"}),
        keyed(PIN),
        BankAnswer("ok", values={"verified": "yes"}),
        BankAnswer("ok", values={"balance": "120034.56"}),
    )
    assert isinstance(moved.action, Play)
    assert moved.session.at == "say-balance"
    assert moved.session.known("balance") == "120034.56"
    moved, facts = walk_on(moved, Played(), keyed(""), Played(), Played())
    assert isinstance(facts[-1], SessionEnded)
    assert facts[-1].outcome == "completed"


def walk_on(moved: Moved, *inputs: Input) -> tuple[Moved, list[IvrPayload]]:
    facts: list[IvrPayload] = []
    for given_input in inputs:
        moved = advance(flow(), moved.session, given_input, NOW)
        facts += moved.facts
    return moved, facts


def test_english_is_chosen_by_two() -> None:
    moved, _ = walk(keyed("2"))
    assert moved.session.language == "en"


def test_three_wrong_keys_lead_to_an_agent() -> None:
    moved, _ = walk(keyed("1"), keyed("12"), keyed(""), keyed("99"))
    assert isinstance(moved.action, JoinQueue)
    assert moved.action.queue_id == "retail"


def test_a_bank_that_is_down_is_said_and_an_agent_offered() -> None:
    moved, _ = walk(keyed("1"), keyed("1"), keyed(CARD), BankAnswer("unavailable"))
    assert moved.action == Play(("not-answering", "transfer-to-agent"))
    moved, _ = walk_on(moved, Played())
    assert isinstance(moved.action, JoinQueue)


def test_a_locked_card_is_told_and_goes_to_an_agent() -> None:
    moved, _ = walk(
        keyed("1"), keyed("1"), keyed(CARD), BankAnswer("ok"), keyed(PIN), BankAnswer("refused", "pin_locked")
    )
    assert moved.session.at == "locked"


@pytest.mark.parametrize("why", ["queue.full", "queue.closed"])
def test_a_queue_that_is_full_or_closed_offers_a_callback_then_takes_a_message_and_says_goodbye(why: str) -> None:
    moved, _ = walk(keyed("1"), keyed("0"), QueueLeft("refused", why), keyed(""), keyed(""))
    assert isinstance(moved.action, Record)
    moved, facts = walk_on(moved, Recorded("messages/x.wav", 12, is_silenced=True), keyed("1"))
    assert [(f.queue_id, f.seconds) for f in facts if isinstance(f, MessageLeft)] == [("retail", 7)]
    assert moved.action == Play(("message-saved", "goodbye"))
    moved, _ = walk_on(moved, Played())
    assert isinstance(moved.action, HangUp)


def test_an_answered_caller_ends_the_session() -> None:
    moved, _ = walk(keyed("0"), QueueLeft("answered"))
    assert moved.action is None
    assert moved.session.outcome == "answered_by_agent"
    assert moved.session.secrets == {}


def test_the_same_visit_of_a_queue_gives_the_same_entry_after_a_restart() -> None:
    moved, facts = walk(keyed("1"), keyed("0"))
    entered = facts[-1]
    assert isinstance(entered, NodeEntered)
    assert isinstance(moved.action, JoinQueue)
    again = resume(flow(), session(), entered.place, entered.flow_node, NOW)
    assert isinstance(again.action, JoinQueue)
    assert again.action.entry_id == moved.action.entry_id
    assert again.session.path == moved.session.path


def test_where_a_secret_died_with_the_replica_it_is_asked_again() -> None:
    moved, facts = walk(keyed("1"), keyed("1"), keyed(CARD))
    assert isinstance(moved.action, CallBank)
    entered = [f for f in facts if isinstance(f, NodeEntered)][-1]
    again = resume(flow(), session(), entered.place, entered.flow_node, NOW)
    assert again.session.at == "sorry"


inputs = st.one_of(
    st.builds(Played),
    st.text(alphabet="0123456789*#", max_size=20).map(keyed),
    st.builds(BankAnswer, st.sampled_from(["ok", "refused", "unavailable", "unknown"])),
    st.builds(QueueLeft, st.sampled_from(["answered", "overflowed", "refused"])),
    st.just(CallerGone()),
)


@given(st.lists(inputs, max_size=40))
def test_whatever_happens_no_secret_leaves_the_session(given_inputs: list[Input]) -> None:
    moved, facts = walk(keyed("1"), keyed("1"), keyed(CARD), BankAnswer("ok"), keyed(PIN))
    more, later = walk_on(moved, *given_inputs)
    told = b"".join(encode(wrap(f, event_id="e", source="t", time=NOW)) for f in [*facts, *later])
    assert CARD.encode() not in told
    assert PIN.encode() not in told
    assert PIN not in repr(more.session)
    assert CARD not in repr(moved.action)
    if more.session.outcome:
        assert more.action is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start": "nowhere"}, "start: there is no node nowhere"),
        ({"nodes": {"lost": {"kind": "hang_up"}}}, "lost: no way leads to it"),
        ({"nodes": {"bye": {"kind": "play", "prompts": ["goodbye"], "next": "bye"}}}, "bye: no way out to an end"),
        (
            {"nodes": {"bye": {"kind": "play", "prompts": [{"digits": "pin"}], "next": "end"}}},
            "bye: would say the secret pin aloud",
        ),
    ],
)
def test_a_wrong_flow_is_refused_naming_node_and_reason(change: dict[str, object], reason: str) -> None:
    document = json.loads(Path("flows/bank-main.json").read_text(encoding="utf-8"))
    nodes = change.pop("nodes", {})
    assert isinstance(nodes, dict)
    document = {**document, **change, "nodes": {**document["nodes"], **nodes}}
    with pytest.raises(Invalid, match="cannot be published") as caught:
        parse(document, parts())
    assert reason in caught.value.message


def test_collecting_never_repeats_what_was_keyed() -> None:
    moved, _ = walk(keyed("1"), keyed("1"), keyed("12"))
    assert isinstance(moved.action, Collect)
    assert moved.session.attempt == 2
