"""Money is neither made nor lost, whatever is booked."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankcore.core.ledger import Account, Ledger, Posting
from bankcore.core.luhn import check_digit, is_valid
from bankcore.core.money import decimal_text, minor_units
from ipcc.errors import Bug, Invalid, NotFound, NotNow

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def new_ledger() -> Ledger:
    ledger = Ledger()
    ledger.open(Account("cash", "bank", "CNY", may_be_negative=True))
    for name in "abc":
        ledger.open(Account(name, name, "CNY"))
    ledger.open(Account("usd", "x", "USD"))
    return ledger


def move(ledger: Ledger, source: str, target: str, amount: int) -> None:
    ledger.book("t", [Posting(source, -amount), Posting(target, amount)], "", NOW)


@given(st.lists(st.tuples(st.sampled_from(["cash", *"abc"]), st.sampled_from(["cash", *"abc"]), st.integers(1, 10**9))))
def test_the_books_balance_after_any_sequence_of_orders(orders: list[tuple[str, str, int]]) -> None:
    ledger = new_ledger()
    for source, target, amount in orders:
        with contextlib.suppress(NotNow):
            move(ledger, source, target, amount)
        assert ledger.is_balanced()
        assert all(ledger.balance(name) >= 0 for name in "abc")


def test_a_booking_that_does_not_add_up_is_a_bug() -> None:
    with pytest.raises(Bug):
        new_ledger().book("t", [Posting("cash", -1), Posting("a", 2)], "", NOW)


def test_money_of_two_currencies_is_not_mixed() -> None:
    with pytest.raises(NotNow, match="currencies"):
        move(new_ledger(), "cash", "usd", 1)


def test_an_order_that_cannot_be_paid_leaves_no_trace() -> None:
    ledger = new_ledger()
    with pytest.raises(NotNow):
        move(ledger, "a", "b", 1)
    assert ledger.entries == []


def test_an_account_is_opened_once_and_must_exist() -> None:
    ledger = new_ledger()
    with pytest.raises(NotNow):
        ledger.open(Account("a", "a", "CNY"))
    with pytest.raises(NotFound):
        ledger.balance("z")


def test_the_newest_entries_come_first() -> None:
    ledger = new_ledger()
    for amount in (1, 2, 3):
        move(ledger, "cash", "a", amount)
    assert [entry.amount for entry in ledger.recent("a", 2)] == [3, 2]
    assert [entry.balance_after for entry in ledger.recent("a", 9)] == [6, 3, 1]


@given(st.integers(1, 10**12))
def test_an_amount_is_read_as_it_was_written(units: int) -> None:
    assert minor_units(decimal_text(units)) == units


@pytest.mark.parametrize("text", ["", "0", "0.00", "-1", "1.234", "1e3", "1,00", "一", "1.", "99999999999999"])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        minor_units(text)


@given(st.from_regex(r"\A[0-9]{11,18}\Z"), st.data())
def test_one_wrong_digit_never_passes_the_check(payload: str, data: st.DataObject) -> None:
    number = payload + check_digit(payload)
    assert is_valid(number)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not is_valid(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize("text", ["", "4", "62220000000000x7", "6222000000000017 ", "６222000000000017"])
def test_what_is_not_a_card_number_does_not_pass(text: str) -> None:
    assert not is_valid(text)
