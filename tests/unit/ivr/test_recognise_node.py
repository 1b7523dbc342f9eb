"""The node that listens: where words, keys, silence and a missing engine lead; what is told of it; what no flow may be."""

from __future__ import annotations

from typing import Any

import pytest

from ipcc.contracts.ivr import NodeLeft, SurveyAnswered
from ipcc.errors import Invalid
from services.ivr.core.actions import Heard, Listen
from services.ivr.core.flow import Flow
from services.ivr.core.linking import link
from services.ivr.core.rehearsal import Case, rehearse
from services.ivr.core.session import Session, resume
from tests.unit.ivr.test_nodes import NOW, Walk, flow, keyed

SPOKEN = "my password is swordfish"
CHOICES: dict[str, dict[str, Any]] = {
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


CONFIRMED = {
    name: {**one, "named": [{"text": {"zh": one["phrases"]["zh"][0], "en": one["phrases"]["en"][0]}}]}
    for name, one in CHOICES.items()
}
UNSURE = said("余额", 0.7)


def asking_back(**changed: Any) -> Flow:
    return document(choices=CONFIRMED, confirm_below=0.8, attempts=2, **changed)


def test_what_was_not_heard_clearly_is_asked_back_by_its_name() -> None:
    walk = Walk(asking_back(variable="wish")).then(UNSURE)
    assert walk.at == "a"
    named, confirm = walk.action.prompts
    assert (named.text["zh"], confirm) == ("余额", "say-yes-or-no")
    # an engine that hears nothing but its hints must be able to hear yes
    assert {"是的", "不是", "转账"} <= set(walk.action.hints)
    assert walk.then(said("对")).at == "b"
    assert walk.moved.session.private == {"wish": "余额"}
    [left] = [fact for fact in walk.facts if isinstance(fact, NodeLeft)]
    assert (left.outcome, left.input_kind) == ("said balance", "speech")
    # what was heard clearly is believed
    assert Walk(asking_back()).then(said("余额", 0.8)).at == "b"


@pytest.mark.parametrize(
    ("answer", "at"),
    [
        (keyed("1"), "b"),
        (said("对，就是余额"), "b"),
        # he says it once more instead of yes, however unclearly
        (said("余额", 0.65), "b"),
        (said("不是，我要转账"), "t"),
        (keyed("*"), "t"),
        (keyed("0"), "end"),
        (Heard("unavailable"), "keys"),
    ],
)
def test_who_is_asked_back_may_say_yes_or_something_else_or_press_a_key(answer: Any, at: str) -> None:
    assert Walk(asking_back()).then(UNSURE, answer).at == at


@pytest.mark.parametrize(
    ("answer", "before"),
    [
        (said("不是"), ()),
        (said("不是余额"), ()),
        (keyed("2"), ()),
        (said("是", 0.3), ("wrong-input",)),
        (said("天气"), ("wrong-input",)),
        (keyed("7"), ("wrong-input",)),
        (Heard("nothing"), ("no-input",)),
    ],
)
def test_anything_else_is_a_no_and_he_is_asked_anew_so_often_and_no_more(answer: Any, before: tuple[str, ...]) -> None:
    walk = Walk(asking_back()).then(UNSURE, answer)
    assert walk.action.prompts == (*before, "main-menu")
    assert walk.then(UNSURE, answer).at == "failed"


def test_nobody_is_asked_back_for_ever_who_says_something_else_each_time() -> None:
    walk = Walk(asking_back()).then(UNSURE, said("转账", 0.7), UNSURE)
    assert walk.at == "failed"


def test_yes_and_no_are_understood_in_english_too() -> None:
    spoken = document(choices=CONFIRMED, confirm_below=0.8)
    head = spoken.model_dump(mode="json", exclude={"nodes"})
    nodes = {"l": {"kind": "language", "language": "en", "next": "a"}}
    nodes |= {name: node.model_dump(mode="json") for name, node in spoken.nodes.items()}
    english = Flow.model_validate({**head, "start": "l", "nodes": nodes})
    assert Walk(english).then(said("balance", 0.7), said("yes please")).at == "b"
    assert Walk(english).then(said("balance", 0.7), said("no, that is not right")).action.prompts == ("main-menu",)


def test_the_answer_to_a_question_of_a_survey_is_told_like_one_by_key() -> None:
    settled = {name: {**choice, "answer": n} for n, (name, choice) in enumerate(CHOICES.items(), start=1)}
    asked = {"choices": settled, "survey": "satisfaction", "question": "settled"}
    for given in (said("余额"), keyed("1")):
        walk = Walk(document(**asked)).then(given)
        told = [(f.survey, f.question, f.answer) for f in walk.facts if isinstance(f, SurveyAnswered)]
        assert told == [("satisfaction", "settled", 1)]
    assert not [f for f in Walk(document(**asked)).then(Heard("unavailable")).facts if isinstance(f, SurveyAnswered)]


def test_back_leads_to_where_he_chose_by_voice_but_not_to_where_nobody_listened() -> None:
    ways = {"b": {"kind": "menu", "prompts": ["anything-else"], "choices": {"1": {"next": "end"}}, "on_failure": "end"}}
    spoken = document(choices={**CHOICES, "transfer": {**CHOICES["transfer"], "key": "3"}})
    nodes = {**spoken.model_dump(mode="json")["nodes"], **ways, "keys": {**ways["b"], "prompts": ["main-menu"]}}
    main = Flow.model_validate({**spoken.model_dump(mode="json"), "nodes": nodes, "keys": {"*": "@back"}})
    assert Walk(main).then(said("余额"), keyed("*")).at == "a"
    assert Walk(main).then(Heard("unavailable"), keyed("*")).at == "keys"


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


def test_a_choice_that_is_asked_back_has_a_name_and_the_texts_of_names_are_checked_like_others() -> None:
    node = {
        **NODE,
        "choices": {"x": choice("余额")},
        "on_unavailable": "end",
        "on_failure": "end",
        "confirm_below": 0.8,
    }
    with pytest.raises(Invalid, match="choice x has no name to be asked back by"):
        flow({"a": node})
    node["choices"] = {"x": choice("余额", named=[{"text": {"zh": "余额"}}])}
    with pytest.raises(Invalid, match="a text is missing in en"):
        flow({"a": node}, languages=["zh", "en"])


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
    silent = case(["a", "failed", "end"], recogniser="here")
    nobody = case(["a", "keys", "end"])
    for one in (right, by_key, away, silent, nobody):
        assert rehearse(document(), one).problems == []
    assert rehearse(document(), away).heard == ["goodbye"]
    assert rehearse(document(), case(["a", "b", "end"], says=heard)).problems == ["path is a > t > end"]
    gone = Case.model_validate({"name": "n", "says": heard[:1], "hangs_up": True, "result": "hung_up"})
    assert rehearse(document(), gone).problems == []
