"""Each kind of node: where its ways lead, what it keeps to itself, and what a flow may not be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ipcc.contracts.ivr import MessageLeft, NodeEntered, SurveyAnswered
from ipcc.errors import Invalid
from services.ivr.core.actions import (
    BankAnswer,
    CallBank,
    CallService,
    Collect,
    Connect,
    Connected,
    Failed,
    HangUp,
    Input,
    Keyed,
    KeyedKind,
    Play,
    Played,
    Record,
    Recorded,
    ServiceAnswer,
)
from services.ivr.core.checks import parse
from services.ivr.core.flow import Flow, read_document
from services.ivr.core.session import Moved, Session, advance, begin, resume

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CARD, PIN = "6222000000000017", "493817"
END = {"end": {"kind": "hang_up"}}


def flow(nodes: dict[str, Any], parts: dict[str, Flow] | None = None, **more: Any) -> Flow:
    document = {"id": "f", "version": 1, "name": {"en": "F"}, "languages": ["zh", "en"], "start": "a", "resume": "end"}
    return parse({**document, **more, "nodes": {**nodes, **END}}, parts)


def keyed(digits: str) -> Keyed:
    return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)


class Walk:
    """One caller in one flow."""

    def __init__(self, document: Flow, **known: str) -> None:
        self.flow = document
        caller = Session("s", "c", "c", "fs1", "95500", "13800000001", "", "zh", NOW, variables=known)
        self.facts: list[Any] = []
        self._note(begin(document, caller, NOW))

    def then(self, *given: Input) -> Walk:
        for one in given:
            self._note(advance(self.flow, self.moved.session, one, NOW))
        return self

    def _note(self, moved: Moved) -> None:
        self.moved = moved
        self.facts += moved.facts

    @property
    def at(self) -> str:
        return self.moved.session.at

    @property
    def action(self) -> Any:
        return self.moved.action


def test_say_reads_one_value_and_passes_over_what_is_empty() -> None:
    nodes = {"a": {"kind": "say", "before": ["balance-is"], "value": {"amount": "b"}, "next": "end", "on_empty": "x"}}
    nodes["x"] = {"kind": "play", "prompts": ["no-entries"], "next": "end"}
    assert Walk(flow(nodes), b="12.00").action.prompts[0] == "balance-is"
    assert Walk(flow(nodes), b="").at == "x"
    assert Walk(flow(nodes), b="1.00").then(Played()).action == HangUp("NORMAL_CLEARING")


def test_decide_takes_the_first_case_that_holds() -> None:
    cases = [{"when": "number(n) > 5", "next": "big"}, {"when": "language == 'zh'", "next": "zh"}]
    nodes: dict[str, Any] = {"a": {"kind": "decide", "choices": cases, "on_else": "end"}}
    nodes |= {n: {"kind": "play", "prompts": ["goodbye"], "next": "end"} for n in ("big", "zh")}
    assert Walk(flow(nodes), n="6").at == "big"
    assert Walk(flow(nodes), n="5").at == "zh"


def test_a_decision_that_cannot_be_made_goes_the_way_of_errors() -> None:
    nodes: dict[str, Any] = {
        "a": {"kind": "decide", "choices": [{"when": "number(n) > 5", "next": "end"}], "on_else": "end"}
    }
    nodes["sorry"] = {"kind": "play", "prompts": ["system-busy"], "next": "end"}
    walk = Walk(flow(nodes, on_error="sorry"), n="many")
    assert walk.at == "sorry"
    with pytest.raises(Invalid):
        Walk(flow({"a": nodes["a"]}), n="many")


def test_what_cannot_be_said_goes_the_way_of_errors() -> None:
    nodes: dict[str, Any] = {"a": {"kind": "play", "prompts": [{"amount": "b"}], "next": "end"}}
    nodes["sorry"] = {"kind": "play", "prompts": ["system-busy"], "next": "end"}
    assert Walk(flow(nodes, on_error="sorry"), b="x").then(Failed("speech.amount")).at == "sorry"


def test_set_fills_texts_and_changes_characters() -> None:
    nodes = {
        "a": {"kind": "set", "values": {"n": "{k}0"}, "replace": {"*": "."}, "private": True, "next": "b"},
        "b": {"kind": "play", "prompts": [{"number": "n"}], "next": "end"},
    }
    session = Walk(flow(nodes), k="12*5").moved.session
    assert session.known("n") == "12.50"
    assert "n" not in session.place()


def test_private_values_are_said_but_told_to_nobody() -> None:
    nodes = {
        "a": {"kind": "collect", "prompts": ["enter-amount"], "variable": "amount", "private": True, "min_digits": 1,
              "max_digits": 9, "next": "b", "on_failure": "end"},
        "b": {"kind": "bank", "operation": "balance", "inputs": {"card_no": "amount"}, "outputs": {"balance": "balance"},
              "next": "c", "on_refused": "end", "on_unavailable": "end"},
        "c": {"kind": "play", "prompts": [{"amount": "balance"}], "next": "end"},
    }  # fmt: skip
    walk = Walk(flow(nodes))
    assert walk.action.secret
    walk.then(keyed("987654"), BankAnswer("ok", values={"balance": "120034.56"}))
    assert walk.moved.session.known("balance") == "120034.56"
    told = repr(walk.facts) + repr(walk.moved.session.attributes()) + repr(walk.moved.session)
    assert "120034.56" not in told
    assert "987654" not in told
    entered = [f for f in walk.facts if isinstance(f, NodeEntered)][-1]
    again = resume(walk.flow, Session("s", "c", "c", "fs1", "1", "2", "", "zh", NOW), entered.place, "c", NOW)
    assert again.session.at == "end"


IDENTIFY = {"kind": "identify", "next": "ok", "on_failure": "end", "on_locked": "locked", "on_blocked": "end",
            "on_unavailable": "end", "agent_key": "0", "on_agent": "end"}  # fmt: skip
AFTER = {n: {"kind": "play", "prompts": ["goodbye"], "next": "end"} for n in ("ok", "locked")}


PROVED = (keyed(CARD), BankAnswer("ok", values={"customer_id": "c1"}), keyed(PIN), BankAnswer("ok"))
OTHER = "6222000000000099"


@pytest.mark.parametrize(
    "then",
    [
        (),
        (keyed("0"),),
        (keyed(OTHER), BankAnswer("unavailable")),
        (keyed(OTHER), BankAnswer("ok", values={"customer_id": "c9"}), keyed("0")),
        (keyed(OTHER), BankAnswer("refused", "card_blocked")),
        (keyed(OTHER), BankAnswer("ok"), keyed(PIN), BankAnswer("refused", "pin_locked")),
        (keyed(OTHER), BankAnswer("ok"), *[keyed(PIN), BankAnswer("refused", "pin_wrong")] * 3),
    ],
)
def test_a_second_check_that_is_not_passed_leaves_nothing_of_the_first(then: tuple[Any, ...]) -> None:
    wait = {"kind": "menu", "prompts": ["main-menu"], "choices": {"1": {"next": "again"}}, "attempts": 3, "timeout_s": 5,
            "on_failure": "end"}  # fmt: skip
    again = {**IDENTIFY, "next": "end", "on_locked": "end"}
    walk = Walk(flow({"a": {**IDENTIFY, "next": "ok"}, "ok": wait, "locked": AFTER["locked"], "again": again}))
    walk.then(*PROVED)
    assert walk.moved.session.attributes()["verified"] == "yes"
    walk.then(keyed("1"), *then)
    session = walk.moved.session
    assert session.attributes()["verified"] == "no"
    assert not {"customer_id", "card_tail", "segment"} & session.speakable().keys()
    assert session.known("card_no") is None


def test_a_check_of_the_bank_that_is_refused_makes_the_earlier_one_worth_nothing() -> None:
    check = {"kind": "bank", "operation": "verify_pin", "inputs": {"card_no": "card_no", "pin": "pin"},
             "outputs": {"verified": "verified", "customer_id": "who"},
             "shown": ["verified"], "on_unavailable": "end"}  # fmt: skip
    document = flow({"a": {**check, "next": "end", "on_refused": "ok"}, "ok": AFTER["ok"]})
    walk = Walk(document, card_no=CARD, pin=PIN, verified="yes", who="c1")
    assert walk.moved.session.known("who") == "c1"
    walk.then(BankAnswer("refused", "pin_wrong"))
    assert (walk.at, walk.moved.session.known("verified"), walk.moved.session.known("who")) == ("ok", "no", None)


def test_identify_asks_number_and_password_and_keeps_neither_in_sight() -> None:
    walk = Walk(flow({"a": IDENTIFY, **AFTER}))
    walk.then(keyed(CARD))
    assert walk.action == CallBank("identify", {"card_no": CARD})
    walk.then(BankAnswer("ok", values={"customer_id": "c1", "card_tail": "0017", "access": "card"}), keyed(PIN))
    assert walk.action == CallBank("verify_pin", {"card_no": CARD, "pin": PIN})
    assert PIN not in repr(dict(walk.moved.session.secrets)) + repr(walk.moved.session.speakable())
    walk.then(BankAnswer("ok"))
    assert walk.at == "ok"
    assert walk.moved.session.attributes()["verified"] == "yes"
    assert walk.moved.session.known("card_no") == CARD
    assert CARD not in repr(walk.facts) + repr(walk.moved)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ([keyed("1")] * 3, "end"),
        ([keyed("0")], "end"),
        ([keyed(CARD), BankAnswer("unavailable")], "end"),
        ([keyed(CARD), BankAnswer("ok"), keyed(PIN), BankAnswer("refused", "pin_locked")], "locked"),
        ([keyed(CARD), BankAnswer("ok"), *[keyed(PIN), BankAnswer("refused", "pin_wrong")] * 3], "end"),
        (
            [
                keyed(CARD),
                BankAnswer("ok"),
                keyed(PIN),
                BankAnswer("refused", "pin_wrong"),
                keyed(PIN),
                BankAnswer("ok"),
            ],
            "ok",
        ),
    ],
)
def test_identify_ends_where_it_must(given: list[Input], at: str) -> None:
    assert Walk(flow({"a": IDENTIFY, **AFTER})).then(*given).at == at


def test_http_asks_a_system_by_name_and_keeps_what_is_not_shown() -> None:
    node = {"kind": "http", "service": "points", "path": "/v1/points", "inputs": {"customer": "customer_id"},
            "outputs": {"level.name": "level", "points": "points"}, "shown": ["level"], "next": "end", "on_refused": "r",
            "on_unavailable": "end"}  # fmt: skip
    nodes = {"a": node, "r": {"kind": "play", "prompts": ["request-failed"], "next": "end"}}
    walk = Walk(flow(nodes), customer_id="c1")
    assert walk.action == CallService("points", "GET", "/v1/points", {"customer": "c1"}, 4.0)
    walk.then(ServiceAnswer("ok", {"level.name": "gold", "points": "12"}))
    assert (walk.moved.session.variables["level"], walk.moved.session.private["points"]) == ("gold", "12")
    assert Walk(flow(nodes)).at == "end"
    assert Walk(flow(nodes), customer_id="c1").then(ServiceAnswer("refused")).at == "r"


def test_transfer_ends_the_session_when_they_have_talked() -> None:
    node = {
        "kind": "transfer",
        "to": "phone",
        "number": "1001",
        "on_busy": "b",
        "on_no_answer": "end",
        "on_failure": "end",
    }
    nodes = {"a": node, "b": {"kind": "play", "prompts": ["all-busy"], "next": "end"}}
    walk = Walk(flow(nodes))
    assert walk.action == Connect("1001", is_outside=False, ring_s=25)
    assert Walk(flow(nodes)).then(Connected("busy")).at == "b"
    assert walk.then(Connected("talked")).moved.session.outcome == "transferred"


def test_a_message_is_told_to_its_queue() -> None:
    nodes = {"a": {"kind": "voicemail", "queue": "retail", "next": "end", "on_nothing": "end"}}
    walk = Walk(flow(nodes))
    assert isinstance(walk.action, Record)
    walk.then(Recorded("messages/c-1.wav", 7))
    told = [f for f in walk.facts if isinstance(f, MessageLeft)]
    assert [(f.queue_id, f.path, f.seconds) for f in told] == [("retail", "messages/c-1.wav", 7)]


def test_a_recording_of_nothing_goes_its_own_way() -> None:
    node = {"kind": "record", "prompts": ["beep-record"], "next": "end", "on_nothing": "n"}
    nodes = {"a": node, "n": {"kind": "play", "prompts": ["no-input"], "next": "end"}}
    assert Walk(flow(nodes)).then(Recorded("x", 0)).at == "n"
    assert Walk(flow(nodes)).then(Recorded("x", 3)).moved.session.known("recorded_s") == "3"


def test_a_survey_tells_each_answer_and_passes_over_what_is_not_answered() -> None:
    questions = [{"id": n, "prompts": ["rate-service"]} for n in ("service", "agent")]
    walk = Walk(flow({"a": {"kind": "survey", "survey": "s1", "questions": questions, "next": "end"}}))
    walk.then(keyed("9"), keyed("2"), keyed(""), keyed(""))
    assert [(f.question, f.answer) for f in walk.facts if isinstance(f, SurveyAnswered)] == [("service", 2)]
    assert walk.at == "end"


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-03-02T01:00", "open"),
        ("2026-03-02T09:00", "end"),
        ("2026-03-01T01:00", "end"),
        ("2026-03-03T01:00", "closed"),
    ],
)
def test_opening_hours_are_those_of_the_bank(now: str, at: str) -> None:
    spans = [{"days": [1, 2, 3, 4, 5], "begin": "08:30", "end": "17:00"}]
    nodes: dict[str, Any] = {"a": {"kind": "opening_hours", "open": spans, "holidays": ["2026-03-03"], "next": "open",
                                   "on_closed": "end", "on_holiday": "closed"}}  # fmt: skip
    nodes |= {n: {"kind": "play", "prompts": ["goodbye"], "next": "end"} for n in ("open", "closed")}
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    moved = begin(flow(nodes), Session("s", "c", "c", "fs1", "1", "2", "", "zh", moment), moment)
    assert moved.session.at == at


def test_language_changes_what_is_heard() -> None:
    assert Walk(flow({"a": {"kind": "language", "language": "en", "next": "end"}})).moved.session.language == "en"


# sub-flows

PART = {"id": "part", "version": 3, "name": {"en": "Part"}, "languages": ["zh", "en"], "start": "ask", "resume": "ask",
        "nodes": {"ask": {"kind": "menu", "prompts": ["confirm"], "choices": {"1": {"next": "yes"}}, "on_failure": "no"},
                  "yes": {"kind": "return", "outcome": "done"}, "no": {"kind": "return", "outcome": "failed"}}}  # fmt: skip
USER = {"a": {"kind": "sub_flow", "flow": "part", "outcomes": {"done": "thanks", "failed": "end"}},
        "thanks": {"kind": "play", "prompts": ["request-done"], "next": "end"}}  # fmt: skip


def test_a_sub_flow_is_fitted_in_and_comes_back_by_its_outcome() -> None:
    part = read_document(PART)
    whole = flow(USER, {"part": part})
    walk = Walk(whole).then(keyed("1"))
    assert walk.moved.session.path == ("a", "a.ask", "a.yes", "thanks")
    assert part.is_part
    assert not whole.is_part


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ({"a": {"kind": "sub_flow", "flow": "none"}}, "a: there is no flow none"),
        ({"a": {"kind": "sub_flow", "flow": "part", "outcomes": {"done": "end"}}}, "a: has no way on for failed"),
        ({"a": {"kind": "sub_flow", "flow": "f", "outcomes": {}}}, "a: flow f leads back into itself"),
    ],
)
def test_a_sub_flow_that_does_not_fit_is_refused(nodes: dict[str, Any], reason: str) -> None:
    part = read_document(PART)
    with pytest.raises(Invalid, match=reason):
        flow(nodes, {"part": part, "f": part.model_copy(update={"id": "f"})})


# keys that mean the same everywhere

MENUS = {
    "a": {"kind": "menu", "prompts": ["main-menu"], "choices": {"1": {"next": "b"}}, "on_failure": "end"},
    "b": {"kind": "menu", "prompts": ["main-menu"], "choices": {"*": {"next": "end"}, "1": {"next": "n"}}, "on_failure": "end"},
    "n": {"kind": "collect", "prompts": ["enter-amount"], "variable": "n", "min_digits": 2, "max_digits": 9, "next": "end",
          "on_failure": "end"},
    "agent": {"kind": "queue", "queue": "retail", "on_refused": "end", "on_overflow": "end"},
}  # fmt: skip
KEYS = {"*": "@back", "0": "agent", "#": "end"}


@pytest.mark.parametrize(
    ("pressed", "at"),
    [
        (["1", "0"], "agent"),
        (["#"], "end"),
        (["1", "*"], "end"),
        (["1", "1", "*"], "b"),
        (["1", "1", "0"], "agent"),
        (["*"], "a"),
    ],
)
def test_back_end_and_agent_mean_the_same_everywhere(pressed: list[str], at: str) -> None:
    assert Walk(flow(MENUS, keys=KEYS)).then(*map(keyed, pressed)).at == at


# what cannot be published


@pytest.mark.parametrize(
    ("nodes", "english", "chinese"),
    [
        ({"a": {"kind": "play", "prompts": ["goodbye"], "next": "a"}}, "a: goes round in a circle", "循环"),
        ({"a": {"kind": "play", "prompts": ["goodbye"], "next": "x"}}, "a: there is no node x", "没有节点"),
        ({"a": IDENTIFY | {"next": "s"}, **AFTER, "s": {"kind": "set", "values": {"x": "{card_no}"}, "next": "ok"}},
         "s: uses the secret card_no outside the bank", "机密变量"),
        ({"a": IDENTIFY, **AFTER, "lost": {"kind": "hang_up"}}, "lost: no way leads to it", "没有任何路径"),
    ],
)  # fmt: skip
def test_a_wrong_flow_names_node_and_reason_in_both_languages(
    nodes: dict[str, Any], english: str, chinese: str
) -> None:
    with pytest.raises(Invalid, match=english) as caught:
        flow(nodes)
    assert any(chinese in problem["zh"] for problem in caught.value.details["problems"])


def test_a_prompt_missing_in_one_language_is_named() -> None:
    document = {"id": "f", "version": 1, "name": {"en": "F"}, "languages": ["zh", "en"], "start": "a", "resume": "a"}
    nodes = {"a": {"kind": "play", "prompts": ["hello"], "next": "end"}, **END}
    with pytest.raises(Invalid, match="a: prompt hello is missing in en") as caught:
        parse({**document, "nodes": nodes}, {}, {"zh": frozenset({"hello"}), "en": frozenset()})
    assert "缺少" in caught.value.details["problems"][0]["zh"]


def test_a_collected_number_is_taken_and_a_menu_without_answers_gives_up() -> None:
    walk = Walk(flow(MENUS, keys=KEYS)).then(keyed("1"), keyed("1"), keyed("55"))
    assert walk.moved.session.known("n") == "55"
    assert isinstance(Walk(flow(MENUS, keys=KEYS)).then(keyed("7")).action, Collect)
    assert isinstance(Walk(flow({"a": {"kind": "play", "prompts": ["goodbye"], "next": "end"}})).action, Play)
