"""What an answer of the bank core means, and what a flow may ask of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ivr.core.operations import OPERATIONS, Kind, Reply, find_faults, lost, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
BALANCE = {"balance": "1234.56", "currency": "CNY", "card_tail": "0017", "at": "2026-03-02T09:00:00Z"}


def test_a_balance_is_read_as_text() -> None:
    answer = read(OPERATIONS["balance"], Reply(200, BALANCE))
    assert (answer.outcome, answer.values) == (
        "ok",
        {"balance": "1234.56", "currency": "CNY", "card_tail": "0017"},
    )


def test_verified_is_yes() -> None:
    answer = read(OPERATIONS["verify_pin"], Reply(200, {"verified": True, "customer_id": "c1"}))
    assert answer.values == {"verified": "yes", "customer_id": "c1"}


@pytest.mark.parametrize(
    "wrong",
    [
        {**BALANCE, "balance": 1234.56},
        {**BALANCE, "balance": "1e3"},
        {**BALANCE, "balance": "1234.5\n"},
        {**BALANCE, "card_tail": "6222000000000017"},
        {"balance": "1.00"},
        [],
        None,
    ],
)
def test_an_answer_that_breaks_the_contract_is_not_believed(wrong: Any) -> None:
    assert read(OPERATIONS["balance"], Reply(200, wrong)).outcome == "unavailable"


def test_only_true_verifies() -> None:
    for value in (False, "true", 1, None):
        answer = read(OPERATIONS["verify_pin"], Reply(200, {"verified": value, "customer_id": "c1"}))
        assert answer.outcome == "unavailable"


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (403, "pin_locked", "refused"),
        (403, "pin_wrong", "refused"),
        (404, "card_not_found", "refused"),
        (409, "card_blocked", "refused"),
        (422, "card_invalid", "refused"),
        (404, "not_found", "unavailable"),
        (401, "not_signed_in", "unavailable"),
        (429, "too_many", "unavailable"),
        (403, "6222000000000017", "unavailable"),
        (403, None, "unavailable"),
        (302, "moved", "unavailable"),
        (500, "bug", "unavailable"),
        (503, "unavailable", "unavailable"),
    ],
)
def test_refusals_are_told_from_faults_of_ours(status: int, code: str | None, outcome: str) -> None:
    answer = read(OPERATIONS["identify"], Reply(status, {"code": code}))
    assert answer.outcome == outcome
    assert answer.code == code if outcome == "refused" else "622" not in answer.code


@pytest.mark.parametrize("status", [200, 500, 502, 504])
def test_of_a_movement_without_a_clear_answer_nobody_knows(status: int) -> None:
    assert read(OPERATIONS["transfer"], Reply(status, {"half": "an answer"})).outcome == "unknown"


def test_a_closed_bank_has_moved_nothing() -> None:
    assert read(OPERATIONS["transfer"], Reply(503, None)).outcome == "unavailable"


def test_a_lost_answer_is_unknown_for_movements_only() -> None:
    for operation in OPERATIONS.values():
        assert lost(operation, "slow").outcome == ("unknown" if operation.kind is Kind.MOVEMENT else "unavailable")


@given(st.sampled_from(sorted(OPERATIONS)), st.integers(100, 599), JSON)
def test_nonsense_never_raises_and_never_verifies(operation: str, status: int, body: Any) -> None:
    answer = read(OPERATIONS[operation], Reply(status, body))
    assert answer.outcome in {"ok", "refused", "unavailable", "unknown"}
    assert answer.outcome != "ok" or status == 200


def test_a_flow_learns_what_it_asks_wrongly() -> None:
    assert find_faults("balance", frozenset({"card_no"}), frozenset({"balance"})) == []
    assert find_faults("verify_pin", frozenset({"card_no", "colour"}), frozenset({"money"})) == [
        "verify_pin needs pin",
        "verify_pin takes no colour",
        "verify_pin answers no money",
    ]
    assert "no operation lend" in find_faults("lend", frozenset(), frozenset())[0]
