"""The fax node: where its ways lead, what it tells, and what it keeps to itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ipcc.contracts.ivr import FaxDone, IvrPayload
from ipcc.errors import Invalid
from services.ivr.core.actions import CallerGone, Faxed, Play, SendFax
from services.ivr.core.flow import Flow
from services.ivr.core.session import note_answer
from tests.unit.ivr.test_nodes import CARD, Walk, flow

PAPER = {
    "title": {"en": "Entries"},
    "facts": [{"label": {"en": "Card"}, "value": "card_no", "shown_as": "tail"}],
    "rows": "rows",
    "columns": [{"heading": {"en": "Date"}}, {"heading": {"en": "Amount"}, "is_number": True}],
}


def faxing(**more: Any) -> Flow:
    node = {
        "kind": "fax",
        "document": "entries",
        "paper": PAPER,
        "to": "caller",
        "next": "sent",
        "on_failure": "end",
        "on_refused": "no",
    }
    said = {
        "sent": {"kind": "play", "prompts": ["done"], "next": "end"},
        "no": {"kind": "play", "prompts": ["no"], "next": "end"},
    }
    return flow({"a": {**node, **more}, **said})


def to_number(**more: Any) -> Flow:
    return faxing(to="number", variable="number", pause_s=20, **more)


def told(facts: Any) -> list[tuple[str, str, int, int]]:
    return [(f.to, f.outcome, f.pages, f.attempt) for f in facts if isinstance(f, FaxDone)]


def test_a_fax_that_arrived_goes_on_and_tells_pages_and_nothing_else() -> None:
    walk = Walk(faxing(), rows="2026-03-01 987.65", card_no=CARD)
    action = walk.action
    assert isinstance(action, SendFax)
    assert action.known == {"rows": "2026-03-01 987.65", "card_no": "0017"}
    assert CARD not in repr(action)
    assert "987.65" not in repr(action)
    walk.then(Faxed("sent", 2, "0 OK"))
    assert walk.at == "sent"
    assert told(walk.facts) == [("caller", "sent", 2, 1)]


def test_what_another_try_may_mend_is_tried_again_with_other_words_and_each_try_is_told() -> None:
    walk = Walk(faxing(), rows="").then(Faxed("no_fax"))
    assert walk.action.prompts == ("fax-again",)
    assert walk.at == "a"
    walk.then(Faxed("no_fax"))
    assert walk.at == "end"
    assert told(walk.facts) == [("caller", "no_fax", 0, 1), ("caller", "no_fax", 0, 2)]


@pytest.mark.parametrize("outcome", ["unknown", "not_drawn", "dropped"])
def test_on_his_own_line_what_pressing_start_again_does_not_mend_is_not_tried_again(outcome: str) -> None:
    walk = Walk(faxing(), rows="").then(Faxed(outcome))
    assert walk.at == "end"
    assert told(walk.facts) == [("caller", outcome, 0, 1)]


def test_a_fax_to_a_number_is_ordered_once_with_all_its_tries_and_each_is_waited_for() -> None:
    walk = Walk(to_number(attempts=3), rows="", number="02160000001")
    first = walk.action
    assert (first.number, first.attempt, first.attempts, first.pause_s) == ("02160000001", 1, 3, 20)
    assert "02160000001" not in repr(first)
    second = walk.then(Faxed("busy", goes_on=True)).action
    assert (second.attempt, second.prompts) == (2, ("fax-again",))
    assert replace(second, attempt=1, prompts=first.prompts) == first
    walk.then(Faxed("sent", 1))
    assert walk.at == "sent"
    # what came of each try is told by whoever carries it out, who outlives the session
    assert told(walk.facts) == []


def test_the_last_try_to_a_number_takes_the_way_for_it_and_a_refused_one_its_own() -> None:
    over = Walk(to_number(attempts=3), rows="", number="02160000001").then(Faxed("busy"))
    assert over.at == "end"
    refused = Walk(to_number(), rows="", number="110").then(Faxed("refused", reason="dial.not_allowed"))
    assert refused.at == "no"
    assert isinstance(refused.action, Play)


def test_the_result_of_who_hung_up_with_a_fax_on_his_line_is_told_before_his_end() -> None:
    walk = Walk(faxing(), rows="")
    facts: tuple[IvrPayload, ...] = note_answer(walk.flow, walk.moved.session, Faxed("sent", 1))
    assert told(facts) == [("caller", "sent", 1, 1)]
    assert walk.then(CallerGone()).moved.session.outcome == "hung_up"


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "number"},
        {"variable": "number"},
        {"to": "number", "variable": "number", "on_refused": ""},
        {"document": "A b"},
    ],
)
def test_a_fax_without_its_number_or_a_way_for_a_refused_one_cannot_be_published(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=r"needs variable|needs on_refused|document: String should match"):
        faxing(**wrong)


def test_a_secret_may_show_its_tail_on_a_paper_and_no_more() -> None:
    collect = {
        "kind": "collect",
        "prompts": ["x"],
        "variable": "card_no",
        "secret": True,
        "min_digits": 4,
        "max_digits": 20,
    }
    node = {"kind": "fax", "document": "entries", "paper": PAPER, "to": "caller", "next": "end", "on_failure": "end"}
    rows = {"kind": "set", "values": {"rows": "x"}, "next": "fax"}
    nodes = {"a": {**collect, "next": "rows", "on_failure": "end"}, "rows": rows}
    flow({**nodes, "fax": node})
    whole = {**PAPER, "facts": [{"label": {"en": "Card"}, "value": "card_no"}]}
    with pytest.raises(Invalid, match="secret card_no"):
        flow({**nodes, "fax": {**node, "paper": whole}})
