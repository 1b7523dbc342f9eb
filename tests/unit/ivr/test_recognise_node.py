"""The node that listens: where words, keys, silence and a missing engine lead; what is told of it; what no flow may be."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.ivr import NodeLeft
from ipcc.errors import Invalid
from services.ivr.core.actions import Heard, Listen
from services.ivr.core.flow import Flow
from services.ivr.core.linking import link
from services.ivr.core.rehearsal import Case, rehearse
from services.ivr.core.session import Session, resume
from tests.unit.ivr.test_nodes import NOW, Walk, flow, keyed

SPOKEN = "my password is swordfish"
CHOICES = {
    "balance": {"phrases": {"zh": ["余额"], "en": ["balance"]}, "key": "1", "next": "b"},
    "transfer": {"phrases": {"zh": ["转账", "汇款"], "en": ["transfer"]}, "key": "*", "next": "t"},
}
NODE: dict[str, Any] = {
    "kind": "recognise",
    "prompts": ["main-menu"],
    "choices": CHOICES,
    "on_unavailable": "keys",
    "on_failure": "failed",
}
SAID = {"kind": "play", "prompts": ["goodbye"], "next": "end"}


def document(**changed: Any) -> Flow:
    node = {**NODE, **changed}
    ways = {name for name in ("nothing", "nomatch") if name in node.values()}
    nodes = {"a": node, **dict.fromkeys(("b", "t", "keys", "failed", *sorted(ways)), SAID)}
    return flow(nodes, keys={"0": "end", "*": "failed"})


def said(text: str, confidence: float = 0.9) -> Heard:
    return Heard("heard", text, confidence)


def test_it_asks_with_the_phrases_of_his_language_as_hints() -> None:
    assert Walk(document(longest_s=8, silence_s=1)).action == Listen(("main-menu",), ("余额", "转账", "汇款"), 8, 1)


def test_words_and_keys_lead_where_their_choice_leads() -> None:
    assert Walk(document()).then(said("我要汇款。")).at == "t"
    # the node's own key goes before the flow's, and the flow's where the node has no use for it
    assert Walk(document()).then(keyed("*")).at == "t"
    assert Walk(document()).then(keyed("1")).at == "b"
    assert Walk(document()).then(keyed("0")).at == "end"


@pytest.mark.parametrize(
    ("given", "before", "way"),
    [
        (Heard("nothing"), "no-input", "nothing"),
        (said("天气"), "wrong-input", "nomatch"),
        (said("余额", 0.59), "wrong-input", "nomatch"),
        (keyed("7"), "wrong-input", "nomatch"),
    ],
)
def test_what_leads_nowhere_is_asked_again_and_has_its_own_way_in_the_end(given: Any, before: str, way: str) -> None:
    walk = Walk(document(attempts=2, on_no_input="nothing", on_no_match="nomatch")).then(given)
    assert walk.action.prompts == (before, "main-menu")
    assert walk.then(given).at == way
    assert Walk(document(attempts=2)).then(given, given).at == "failed"


def test_without_an_engine_he_comes_to_keys_at_once_and_nothing_counts_as_his_fault() -> None:
    walk = Walk(document()).then(Heard("unavailable"))
    assert walk.at == "keys"
    [left] = [fact for fact in walk.facts if isinstance(fact, NodeLeft)]
    assert (left.outcome, left.input_kind, left.timeouts) == ("unavailable", "none", 0)


def test_what_he_said_is_private_and_told_nowhere_but_in_the_variable_the_flow_names() -> None:
    text = f"余额 {SPOKEN}"
    for variable in ("", "wish"):
        walk = Walk(document(variable=variable)).then(Heard("nothing"), said(text))
        session = walk.moved.session
        assert session.private == ({"wish": text} if variable else {})
        assert session.speakable().get("wish") == (text if variable else None)
        for told in (
            repr(walk.facts),
            repr(session),
            repr(said(text)),
            str(session.attributes()),
            str(session.place()),
        ):
            assert SPOKEN not in told
        [left] = [fact for fact in walk.facts if isinstance(fact, NodeLeft)]
        assert (left.outcome, left.input_kind, left.timeouts) == ("said balance", "speech", 1)


def test_free_text_that_fits_no_choice_is_kept_for_who_comes_next() -> None:
    walk = Walk(document(variable="wish", attempts=1, on_no_match="nomatch")).then(said(SPOKEN))
    assert walk.at == "nomatch"
    assert walk.moved.session.private == {"wish": SPOKEN}


def test_after_the_death_of_a_replica_it_asks_again_with_an_apology() -> None:
    caller = Session("s", "c", "c", "fs1", "95500", "13800000001", "", "zh", NOW)
    moved = resume(document(), caller, {"_language": "en", "_path": "a", "_visits": "1"}, "a", NOW)
    assert isinstance(moved.action, Listen)
    assert moved.action.prompts == ("interrupted", "main-menu")
    assert moved.action.hints == ("balance", "transfer")


def choice(*phrases: str, **more: Any) -> dict[str, Any]:
    return {"phrases": {"zh": list(phrases), "en": [f"word {len(phrases[0])}"]}, "next": "end", **more}


@pytest.mark.parametrize(
    ("choices", "en", "zh"),
    [
        ({"x": choice("余额"), "y": choice(" 余 额。")}, "belongs to x and y", "同时属于 x 和 y"),
        ({"x": choice("!!!")}, "choice x has a phrase without a word", "没有文字"),
        ({"x": {"phrases": {"zh": ["余额"]}, "next": "end"}}, "choice x has no phrase in en", "缺少 en 说法"),
        ({"x": choice("一", key="1"), "y": choice("二二", key="1")}, "key 1 belongs to two choices", "属于两个选项"),
        ({"x": choice("余额") | {"next": "nowhere"}}, "there is no node nowhere", "没有节点 nowhere"),
    ],
)
def test_a_flow_that_could_not_understand_is_refused_in_both_languages(choices: Any, en: str, zh: str) -> None:
    node = {**NODE, "choices": choices, "on_unavailable": "end", "on_failure": "end"}
    with pytest.raises(Invalid) as refused:
        flow({"a": node})
    [problem] = refused.value.details["problems"]
    assert problem["node"] == "a"
    assert en in problem["en"]
    assert zh in problem["zh"]


def test_what_is_spoken_never_becomes_a_secret_variable_or_goes_over_one() -> None:
    asks = {
        "kind": "collect",
        "prompts": ["enter-pin"],
        "variable": "pin",
        "secret": True,
        "min_digits": 6,
        "max_digits": 6,
    }
    node = {**NODE, "variable": "pin", "choices": {"x": choice("余额")}, "on_unavailable": "end", "on_failure": "end"}
    with pytest.raises(Invalid, match="store an answer over the secret pin"):
        flow({"a": {**asks, "next": "r", "on_failure": "end"}, "r": node})


@pytest.mark.parametrize(
    "wrong",
    [
        {"choices": {"x": choice("余额", key="#")}},
        {"choices": {}},
        {"confidence": 1.5},
        {"silence_s": 0},
        {"variable": "Bad"},
    ],
)
def test_a_node_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        flow({"a": {**NODE, "choices": {"x": choice("余额")}, "on_unavailable": "end", "on_failure": "end", **wrong}})


def test_in_a_sub_flow_its_ways_lead_on_in_the_sub_flow() -> None:
    fitted = link(document(), {}).nodes["a"].relinked(lambda name: f"sub.{name}")
    assert fitted.targets() == ("sub.b", "sub.t", "sub.keys", "sub.failed")


def test_a_flows_own_cases_say_what_is_spoken_and_how_sure_the_engine_is() -> None:
    def case(path: list[str], **told: Any) -> Case:
        return Case.model_validate({"name": "n", "path": path, "result": "completed", **told})

    heard = [{"text": "余额", "confidence": 0.2}, {}, {"text": "请转账"}]
    right = case(["a", "t", "end"], says=heard, heard=["main-menu", "wrong-input", "no-input", "goodbye"])
    by_key = case(["a", "b", "end"], says=[{"key": "1"}])
    away = case(["a", "keys", "end"], says=heard, recogniser="away")
    silent = case(["a", "failed", "end"])
    for one in (right, by_key, away, silent):
        assert rehearse(document(), one).problems == []
    assert rehearse(document(), away).heard == ["goodbye"]
    assert rehearse(document(), case(["a", "b", "end"], says=heard)).problems == ["path is a > t > end"]
    gone = Case.model_validate({"name": "n", "says": heard[:1], "hangs_up": True, "result": "hung_up"})
    assert rehearse(document(), gone).problems == []
