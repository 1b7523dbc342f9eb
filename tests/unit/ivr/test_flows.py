"""The bank's flows: each can be published, each of its cases comes out as it says, every node is come to."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ipcc.cli import main
from ipcc.errors import Invalid
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import secret_variables
from services.ivr.core.flow import read_document
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.nodes.sub_flow import SubFlowNode
from services.ivr.core.operations import OPERATIONS
from services.ivr.core.rehearsal import Answer, Case, rehearse
from services.ivr.rehearsing import open_folder, read_cases, try_all

BY_CALLERS = {"transfer", "passbook", "deposits", "loans", "bonds", "securities", "exchange", "bills"}
FLOWS, PROMPTS = Path("flows"), Path("freeswitch/sounds/prompts.yaml")


@pytest.fixture(scope="module")
def store() -> FlowStore:
    return open_folder(FLOWS, PROMPTS)


@pytest.mark.parametrize("name", sorted(path.stem for path in FLOWS.glob("*.json")))
def test_every_case_of_a_flow_comes_out_and_every_node_is_come_to(name: str, store: FlowStore) -> None:
    (report,) = try_all(store, FLOWS, name)
    assert report.tried
    assert [(tried.name, tried.problems) for tried in report.tried if tried.problems] == []
    assert report.unvisited == ()


def test_the_flows_use_every_operation_of_the_bank(store: FlowStore) -> None:
    asked = {getattr(node, "operation", "") for flow in store.all() for node in flow.nodes.values()}
    asked |= {"send_message" for flow in store.all() for node in flow.nodes.values() if node.kind == "sms"}
    assert set(OPERATIONS) - asked == set()


def test_every_order_is_repeated_before_it_is_given_and_proved_by_the_password(store: FlowStore) -> None:
    for flow in store.parts().values():
        orders = [n for n in flow.nodes.values() if n.kind == "bank" and OPERATIONS[n.operation].kind == "movement"]
        for order in orders:
            assert order.inputs["pin"]
            assert order.on_unknown
            assert {"pin_wrong", "pin_locked"} <= set(order.refused)


# what no caller can bring about: keys and codes of ours, and what a flow never asks for
NOT_BY_CALLERS = {
    "key_unknown", "key_void", "key_invalid", "pin_replayed", "idempotency_key_reused", "account_exists", "currency_differs", "no_mobile",
    "rate_not_found", "text_not_found", "not_signed_in", "unavailable", "business_not_found", "securities_not_found",
}  # fmt: skip


def test_whatever_the_bank_refuses_with_has_words_of_its_own(store: FlowStore) -> None:
    raised = re.compile(r"raise \w+\(\s*\"([a-z_]+)\"")
    codes = {
        code for path in Path("bankcore").rglob("*.py") for code in raised.findall(path.read_text(encoding="utf-8"))
    }
    nodes = [node for flow in store.parts().values() for node in flow.nodes.values()]
    mapped = {code for node in nodes for code in getattr(node, "refused", {})}
    assert codes - mapped - NOT_BY_CALLERS == set()
    assert len(codes & mapped) > 30


def test_who_may_order_is_asked_before_anything_is_keyed(store: FlowStore) -> None:
    """A public customer hears at once what needs a signature: no way leads to an order without a look at it."""
    parts = store.parts()
    for flow in (parts[name] for name in BY_CALLERS):
        orders = {name for name, n in flow.nodes.items() if isinstance(n, SubFlowNode) and n.flow.startswith("do-")}
        looks = {name for name, n in flow.nodes.items() if n.kind == "decide" and "contracted" in n.reveals()}
        assert orders, flow.id
        seen, waiting = set(looks), [flow.start]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += flow.nodes[at].targets()
        assert seen & orders == set(), flow.id


def test_after_every_movement_of_money_a_receipt_is_offered(store: FlowStore) -> None:
    # what moves no money: a loss report, a password, an order or a notice that waits
    without = {"report_loss", "change_pin", "change_exchange_order", "place_exchange_order", "give_notice"}
    parts = store.parts()
    moving = {
        flow.id
        for flow in parts.values()
        for node in flow.nodes.values()
        if isinstance(node, BankNode) and node.moves and node.operation not in without
    }
    # the order itself is in a part that callers and agents share; who uses it says what came of it
    assert moving == {flow for flow in moving if flow.startswith("do-")}
    used = set()
    for flow in parts.values():
        for name, node in flow.nodes.items():
            if isinstance(node, SubFlowNode) and node.flow in moving:
                used.add(node.flow)
                said = flow.nodes[node.outcomes["done"]]
                after = [getattr(flow.nodes[target], "flow", "") for target in said.targets()]
                assert after == ["receipt"], (flow.id, name)
    assert used == moving


def test_callers_and_agents_have_the_bank_asked_in_the_same_way(store: FlowStore) -> None:
    parts = store.parts()
    users: dict[str, set[bool]] = {}
    for flow in parts.values():
        for node in flow.nodes.values():
            if isinstance(node, SubFlowNode) and node.flow.startswith("do-"):
                users.setdefault(node.flow, set()).add(flow.order is not None)
    assert users == {name: {True, False} for name in parts if name.startswith("do-")}


def test_what_agents_may_order_covers_every_movement_and_every_query_of_a_customer(store: FlowStore) -> None:
    ordered = {
        getattr(node, "operation", "") for flow in store.all() if flow.order is not None for node in flow.nodes.values()
    }
    # how much is left of limits, hours and days, payees: said to callers on the way, no business of its own
    public = {"rate", "exchange_rate", "hours", "bill_day", "limits", "payees", "transfer_terms", "withdrawal_terms"}
    public |= {"information_text"}
    # asked by nodes of other kinds: who he is, and his receipt
    assert set(OPERATIONS) - ordered - public == {"identify", "verify_pin", "send_message"}


def test_nobody_is_asked_to_say_a_secret(store: FlowStore) -> None:
    for flow in store.all():
        asking = [node.prompts for node in flow.nodes.values() if isinstance(node, CollectNode) and node.secret]
        secrets = {"pin", "new_pin", "card_no", "to_account", "amount"} | secret_variables(flow)
        for name, node in flow.nodes.items():
            if isinstance(node, RecogniseNode):
                assert node.prompts not in asking, name
                assert node.variable not in secrets, name
                # without an engine, and for who is not understood, there are keys or a way on: never the same question
                assert {node.on_unavailable, node.on_no_match or node.on_failure} & {name} == set()


def test_whoever_is_asked_to_speak_can_press_the_same_keys_as_in_the_menu_for_who_cannot(store: FlowStore) -> None:
    for flow, spoken, keyed in (("bank-main", "wish", "menu"), ("information", "wish", "menu")):
        nodes = store.parts()[flow].nodes
        by_voice, by_key = nodes[spoken], nodes[keyed]
        assert isinstance(by_voice, RecogniseNode)
        assert isinstance(by_key, MenuNode)
        assert {choice.key: choice.next for choice in by_voice.choices.values() if choice.key} == {
            key: choice.next for key, choice in by_key.choices.items()
        }


def test_no_value_of_the_bank_is_shown_but_who_the_customer_is(store: FlowStore) -> None:
    shown = {name for flow in store.all() for node in flow.nodes.values() for name in getattr(node, "shown", ())}
    assert shown == {"customer_id", "card_tail", "segment", "access", "contracted", "verified"}


def test_a_case_that_is_wrong_says_what_is_different(store: FlowStore) -> None:
    case = Case(name="x", keys=("0",), path=("menu",), heard=("goodbye",), asked=("balance",), result="completed")
    problems = rehearse(store.published("bank-main"), case).problems
    assert [p.split()[0] for p in problems] == ["result", "path", "did", "asked"]


def test_cases_are_refused_with_their_file(tmp_path: Path) -> None:
    broken = tmp_path / "x.json"
    broken.write_text('{"flow": "x"}', encoding="utf-8")
    with pytest.raises(Invalid, match=re.escape(str(broken))):
        read_cases(broken)


def test_a_flow_without_end_is_found_when_tried() -> None:
    nodes = {"a": {"kind": "menu", "prompts": ["confirm"], "choices": {"1": {"next": "a"}}, "on_failure": "a"}}
    document = {
        "id": "f",
        "version": 1,
        "name": {"en": "F"},
        "languages": ["zh"],
        "start": "a",
        "resume": "a",
        "nodes": nodes,
    }
    assert rehearse(read_document(document), Case(name="x", result="endless")).problems == []
    assert Answer().outcome == "ok"


def test_the_command_tests_checks_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "test", "receipt", "--least", "100"]) == 0
    assert "receipt" in capsys.readouterr().out
    assert main(["flow", "check"]) == 0
    assert main(["flow", "list"]) == 0
    assert "bank-main" in capsys.readouterr().out


def test_the_command_names_node_and_reason_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((FLOWS / "receipt.json").read_text(encoding="utf-8"))
    document["nodes"]["said"]["prompts"] = ["no-such-prompt"]
    (tmp_path / "receipt.json").write_text(json.dumps(document), encoding="utf-8")
    assert main(["flow", "check", "--flows", str(tmp_path)]) == 1
    said = capsys.readouterr().out.replace("\n", " ")
    assert "said: prompt no-such-prompt is missing in zh" in said
    assert "缺少 zh 语音" in said
