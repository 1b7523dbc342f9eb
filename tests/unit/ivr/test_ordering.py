"""What may be ordered of a flow: values held against its form, rights, and flows that would act without the customer's yes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ipcc.contracts.order import OrderForm, OrderInput
from ipcc.errors import Invalid, NotAllowed
from ipcc.sealed import Sealer, order_of, results_of
from services.ivr.core.checks import find_problems, parse
from services.ivr.core.flow import read_document
from services.ivr.core.linking import link
from services.ivr.core.ordering import check_right, read_inputs
from services.ivr.rehearsing import open_folder

FLOWS = Path("flows")
LABEL = {"zh": "项", "en": "Field"}


def form(**inputs: dict[str, Any]) -> OrderForm:
    fields = {name: {"label": LABEL, **given} for name, given in inputs.items()}
    return OrderForm.model_validate({"title": LABEL, "inputs": fields})


@pytest.mark.parametrize(
    ("given", "right", "wrong"),
    [
        ({"type": "account"}, ["60000001", "6222000000000025"], ["6000000", "6" * 20, "6222 0000", "６０００００01"]),
        ({"type": "phone"}, ["13800000001"], ["1380", "+8613800000001", "1" * 21]),
        (
            {"type": "number", "min_digits": 6, "max_digits": 6},
            ["100001"],
            ["10001", "1000011", "10000a", "１００００１"],
        ),
        ({"type": "amount"}, ["1", "10050"], ["0", "-1", "1.5", "1e3", "100000000000", " 1"]),
        ({"type": "rate"}, ["7.1", "0.14"], ["0", "-1", "7,1", "7.", "NaN", "1" * 10]),
        ({"type": "currency"}, ["CNY", "HKD"], ["cny", "XXX", ""]),
        ({"type": "date"}, ["2026-03-02"], ["2026-02-30", "20260302", "2026-3-2", "today"]),
        ({"type": "choice", "choices": {"in": LABEL, "out": LABEL}}, ["in", "out"], ["IN", "both"]),
    ],
)
def test_a_value_is_taken_only_if_it_is_one_and_is_never_repeated(
    given: dict[str, Any], right: list[str], wrong: list[str]
) -> None:
    wanted = form(field=given)
    for value in right:
        assert read_inputs(wanted, {"field": value})["field"]
    for value in wrong:
        with pytest.raises(Invalid) as refused:
            read_inputs(wanted, {"field": value})
        assert refused.value.details["field"] == "field"
        assert len(value) < 4 or value not in refused.value.message


def test_cents_become_the_decimal_text_of_flows_and_what_is_left_out_its_default() -> None:
    wanted = form(amount={"type": "amount"}, part={"type": "amount", "required": False, "default": "0"})
    assert read_inputs(wanted, {"amount": "10050"}) == {"amount": "100.50", "part": "0"}
    assert read_inputs(wanted, {"amount": "7"})["amount"] == "0.07"
    zero = form(part={"type": "amount", "may_be_zero": True})
    assert read_inputs(zero, {"part": "0"}) == {"part": "0.00"}


def test_of_a_customers_numbers_the_audit_keeps_the_end_alone() -> None:
    for kind, kept in (("account", "…0025"), ("phone", "…0025"), ("number", "6222000000000025")):
        field = OrderInput.model_validate({"type": kind, "label": LABEL})
        assert field.masked("6222000000000025") == kept


def test_a_sealed_text_opens_with_its_key_for_its_purpose_and_unchanged_only() -> None:
    sealer = Sealer("k" * 32)
    text = sealer.seal({"amount": "100"}, order_of("s1"))
    assert sealer.open(text, order_of("s1")) == {"amount": "100"}
    assert text != sealer.seal({"amount": "100"}, order_of("s1"))
    changed = text[:-3] + ("AA=" if text[-3:] != "AA=" else "BB=")
    for other, told, purpose in (
        (Sealer("o" * 32), text, order_of("s1")),
        (sealer, text, order_of("s2")),
        (sealer, text, results_of("s1")),
        (sealer, changed, order_of("s1")),
        (sealer, "nonsense", order_of("s1")),
        (sealer, "中文", order_of("s1")),
        (sealer, "", order_of("s1")),
    ):
        with pytest.raises(Invalid, match="cannot be opened"):
            other.open(told, purpose)


def test_a_skill_that_a_flow_names_is_needed_and_a_supervisor_needs_it_too() -> None:
    document = json.loads((FLOWS / "agent-transfer.json").read_text(encoding="utf-8"))
    document["order"] |= {"skill": "money"}
    flow = read_document(document)
    check_right(flow, ("agent",), ("money",))
    for roles, skills, code in (
        (("agent",), ("cards",), "order.skill"),
        (("supervisor",), (), "order.skill"),
        (("auditor",), ("money",), "order.role"),
    ):
        with pytest.raises(NotAllowed) as refused:
            check_right(flow, roles, skills)
        assert refused.value.code == code


def test_every_flow_that_would_act_or_show_without_the_customers_yes_is_refused_in_both_languages() -> None:
    store = open_folder(FLOWS, Path("freeswitch/sounds/prompts.yaml"))
    whole = json.loads((FLOWS / "agent-transfer.json").read_text(encoding="utf-8"))

    def problems(change: Any) -> dict[str, str]:
        document = copy.deepcopy(whole)
        change(document)
        found = find_problems(link(read_document(document), store.parts()))
        return {problem.node: problem.en for problem in found if problem.zh}

    assert problems(lambda _: None) == {}
    ways = {
        "refusing does it all the same": lambda d: d["nodes"]["consent"].update(on_refused="do"),
        "silence is a yes": lambda d: d["nodes"]["consent"].update(on_failure="do"),
        "consent is passed by": lambda d: d["nodes"]["who"]["outcomes"].update(verified="do"),
        "a resumed session begins behind it": lambda d: d.update(resume="do"),
        "a key leads past it": lambda d: d.update(keys={"9": "do"}),
    }
    for name, change in ways.items():
        assert "without consent" in problems(change)["do.order"], name
    shown = problems(lambda d: d["nodes"]["say-refused"].update(next="done"))
    assert shown["done"] == "shows the agent results without consent"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("order_pin", "is a secret"),
        ("card_no", "is a secret"),
        ("verified", "is found out by the flow itself"),
        ("nothing", "no node uses the input"),
    ],
)
def test_a_form_that_asks_for_what_only_the_customer_or_the_bank_may_say_is_refused(name: str, why: str) -> None:
    store = open_folder(FLOWS, Path("freeswitch/sounds/prompts.yaml"))
    document = json.loads((FLOWS / "agent-transfer.json").read_text(encoding="utf-8"))
    document["order"]["inputs"][name] = {"type": "account", "label": LABEL}
    with pytest.raises(Invalid, match=why):
        parse(document, store.parts())
