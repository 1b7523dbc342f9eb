"""Every order of the contract: what it books, what refuses it, and that the books balance after each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankcore import orders, queries
from bankcore.demo import demo_customers, fill
from bankcore.schemas import RateQuestion
from ipcc.errors import Refused
from tests.unit.bankcore.counter import NOW, Counter

NIGHT = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
FIRST, SECOND = demo_customers()[0].card_no, demo_customers()[1].card_no
POOR = demo_customers()[3].card_no
CVV = demo_customers()[0].cvv
PASSBOOK = next(demo.card_no for demo in demo_customers() if demo.access == "passbook")


def test_money_goes_to_a_card_a_passbook_and_back(desk: Counter) -> None:
    desk.order(orders.TransferOrder, to_account=SECOND, amount="100.00")
    desk.order(orders.TransferOrder, to_account="70010001", amount="200.00")
    desk.order(orders.TransferOrder, "70010001", to_account=FIRST, amount="50.00")
    assert desk.balance() == 1_202_950 - 10_000 - 20_000 + 5_000
    assert desk.refused(orders.TransferOrder, to_account="bank-cash-cny", amount="1.00") == "account_not_found"


def test_a_days_limit_counts_what_was_booked_and_is_gone_tomorrow(desk: Counter) -> None:
    rich = demo_customers()[2].card_no
    desk.order(orders.TransferOrder, rich, to_account=SECOND, amount="49999.00")
    assert desk.refused(orders.TransferOrder, rich, to_account=SECOND, amount="1.01") == "daily_limit"
    desk.order(orders.TransferOrder, rich, to_account=SECOND, amount="1.00")
    desk.days(1)
    desk.order(orders.TransferOrder, rich, to_account=SECOND, amount="1.01")


def test_orders_need_a_contract_but_a_loss_is_always_taken(desk: Counter) -> None:
    assert desk.refused(orders.TransferOrder, POOR, to_account=FIRST, amount="1.00") == "not_contracted"
    desk.order(orders.LossReport, POOR)
    assert desk.refused(orders.LossReport, POOR) == "card_blocked"


def test_a_pin_is_changed_but_not_to_a_weak_one(desk: Counter) -> None:
    assert desk.refused(orders.PinChange, new_pin="111111") == "pin_weak"
    assert desk.refused(orders.PinChange, new_pin="654321") == "pin_weak"
    desk.order(orders.PinChange, new_pin="860213")
    assert desk.refused(orders.LossReport) == "pin_wrong"


@pytest.mark.parametrize(("kind", "term"), [("time", 12), ("flexible", 0), ("instalment", 12)])
def test_a_deposit_comes_back_with_interest(desk: Counter, kind: str, term: int) -> None:
    number = desk.order(orders.OpenDeposit, kind=kind, term=term, amount="1000.00").done.reference
    desk.days(365)
    before = desk.balance()
    desk.order(orders.Withdraw, number=number)
    assert 100_000 < desk.balance() - before < 102_000
    assert desk.refused(orders.Withdraw, number=number) == "deposit_not_found"


def test_part_of_a_time_deposit_and_the_next_instalment(desk: Counter) -> None:
    time = desk.order(orders.OpenDeposit, kind="time", term=3, amount="1000.00").done.reference
    desk.order(orders.Withdraw, number=time, amount="400.00")
    many = desk.order(orders.OpenDeposit, kind="instalment", term=12, amount="50.00").done.reference
    desk.order(orders.PayIn, number=many, amount="50.00")
    assert {item.amount for item in queries.deposits(desk.bank, FIRST, queries.SAVINGS).items} == {"600.00", "100.00"}
    assert desk.refused(orders.PayIn, number=time, amount="50.00") == "kind_differs"
    assert desk.refused(orders.Withdraw, number=many, amount="50.00") == "only_whole"
    assert desk.refused(orders.OpenDeposit, kind="time", term=5, amount="100.00") == "term_unknown"
    assert desk.refused(orders.OpenDeposit, kind="time", term=3, amount="1.00") == "amount_too_small"


def test_a_notice_deposit_waits_for_its_days(desk: Counter) -> None:
    rich = demo_customers()[2].card_no
    number = desk.order(orders.OpenDeposit, rich, kind="notice", term=7, amount="50000.00").done.reference
    assert desk.refused(orders.Withdraw, rich, number=number) == "notice_missing"
    desk.order(orders.Notice, rich, number=number)
    desk.days(6)
    assert desk.refused(orders.Withdraw, rich, number=number) == "notice_missing"
    desk.days(1)
    desk.order(orders.Withdraw, rich, number=number)


def test_a_loan_stands_on_its_deposit_until_it_is_paid(desk: Counter) -> None:
    deposit = desk.order(orders.OpenDeposit, kind="time", term=12, amount="1000.00").done.reference
    assert desk.refused(orders.OpenLoan, number=deposit, amount="901.00") == "amount_too_large"
    loan = desk.order(orders.OpenLoan, number=deposit, amount="900.00").done.reference
    assert desk.refused(orders.Withdraw, number=deposit) == "pledged"
    desk.order(orders.Repay, number=loan, amount="400.00")
    assert desk.refused(orders.Repay, number=loan, amount="500.01") == "amount_too_large"
    desk.days(100)
    assert queries.loans(desk.bank, FIRST).items[0].amount == "500.00"
    assert queries.loan_interest(desk.bank, FIRST, loan, desk.now).amount == "4.79"
    assert desk.order(orders.Repay, number=loan).done.amount == 50_479
    desk.order(orders.Withdraw, number=deposit)


def test_a_bond_is_bought_in_its_hours_and_costs_when_given_back_early(desk: Counter) -> None:
    number = desk.order(orders.BuyBond, issue="260136", amount="500.00").done.reference
    assert queries.deposits(desk.bank, FIRST, ("bond",)).items[0].reference == number
    assert desk.order(orders.Withdraw, number=number).done.amount == 49_950
    assert desk.refused(orders.BuyBond, issue="260136", amount="150.00") == "amount_not_whole"
    desk.now = NIGHT
    assert desk.refused(orders.BuyBond, issue="260136", amount="100.00") == "closed_now"


def test_money_goes_to_the_securities_account_and_back_in_its_hours(desk: Counter) -> None:
    desk.order(orders.SecuritiesTransfer, direction="in", amount="100.00")
    desk.order(orders.SecuritiesTransfer, direction="out", amount="40.00")
    assert [item.amount for item in queries.securities(desk.bank, FIRST).items] == ["11969.50", "20060.00"]
    assert len(queries.securities_entries(desk.bank, FIRST, desk.now).items) == 2
    assert desk.refused(orders.SecuritiesTransfer, SECOND, direction="in", amount="1.00") == "securities_not_found"
    desk.now = NIGHT
    assert desk.refused(orders.SecuritiesTransfer, direction="in", amount="1.00") == "closed_now"


def test_a_deal_books_both_currencies(desk: Counter) -> None:
    done = desk.order(orders.Deal, sold="CNY", bought="USD", amount="1000.00").done
    assert done.amount == 14_020
    assert queries.exchange_balances(desk.bank, FIRST).items[0].amount == "140.20"
    assert desk.refused(orders.Deal, sold="USD", bought="CNY", amount="10.00", rate="7.2") == "rate_moved"
    assert desk.refused(orders.Deal, sold="USD", bought="USD", amount="1.00") == "currency_unknown"
    assert len(queries.exchange_entries(desk.bank, FIRST, desk.now).items) == 1


def test_an_order_waits_for_its_rate_and_can_be_renewed_merged_and_cancelled(desk: Counter) -> None:
    desk.order(orders.Deal, sold="CNY", bought="USD", amount="1000.00")
    terms = {"sold": "USD", "bought": "CNY", "amount": "10.00", "rate": "7.5000"}
    one, two = (desk.order(orders.RateOrder, **terms).done.reference for _ in range(2))
    desk.order(orders.OrderChange, number=one, change="renew")
    desk.order(orders.OrderChange, number=one, change="merge")
    assert desk.refused(orders.OrderChange, number=two, change="cancel") == "order_not_found"
    assert desk.refused(orders.OrderChange, number=one, change="merge") == "nothing_to_merge"
    assert queries.exchange_orders(desk.bank, FIRST).items[0].amount == "20.00"
    before = desk.balance()
    assert desk.bank.exchange.set_rate("USD", "7.6", "7.7", desk.now, {"c1001": "a1001"}) == [one]
    assert desk.balance() - before == 15_200


def test_a_two_way_order_is_carried_out_when_the_rate_falls(desk: Counter) -> None:
    desk.order(orders.Deal, sold="CNY", bought="USD", amount="1000.00")
    desk.order(orders.RateOrder, sold="USD", bought="CNY", amount="10.00", rate="7.5", stop="6.9")
    assert desk.bank.exchange.set_rate("USD", "7.0", "7.1", desk.now, {"c1001": "a1001"}) == []
    assert len(desk.bank.exchange.set_rate("USD", "6.8", "6.9", desk.now, {"c1001": "a1001"})) == 1
    late = desk.order(orders.RateOrder, sold="USD", bought="CNY", amount="10.00", rate="7.5").done.reference
    assert desk.bank.exchange.set_rate("USD", "7.0", "7.1", desk.now + timedelta(days=8), {"c1001": "a1001"}) == [late]


def test_a_bill_is_paid_whole_and_once(desk: Counter) -> None:
    order: dict[str, Any] = {"kind": "water", "subscriber": "60000001"}
    assert desk.refused(orders.BillPayment, **order, amount="1.00") == "amount_differs"
    desk.order(orders.BillPayment, **order, amount="86.90")
    assert desk.refused(orders.BillPayment, **order, amount="86.90") == "nothing_due"
    assert desk.refused(orders.BillPayment, kind="water", subscriber="6111", amount="1.00") == "subscriber_not_found"


def test_a_merchant_is_paid_within_the_limit(desk: Counter) -> None:
    desk.order(orders.MerchantPayment, merchant="100200", amount="4999.00", cvv=CVV)
    assert desk.refused(orders.MerchantPayment, merchant="100200", amount="2.00", cvv=CVV) == "daily_limit"
    assert desk.refused(orders.MerchantPayment, merchant="9999", amount="1.00", cvv=CVV) == "merchant_not_found"


def test_a_payment_with_a_card_needs_its_security_code_and_three_wrong_ones_lock_payments_only(desk: Counter) -> None:
    def pay(**more: str) -> str:
        return desk.refused(orders.MerchantPayment, merchant="100200", amount="1.00", **more)

    before = desk.balance()
    assert pay() == "cvv_needed"
    assert [pay(cvv="000"), pay(cvv="9070"), pay(cvv="071"), pay(cvv=CVV)] == [
        "cvv_wrong",
        "cvv_wrong",
        "cvv_locked",
        "cvv_locked",
    ]
    assert desk.balance() == before
    desk.order(orders.TransferOrder, to_account=SECOND, amount="1.00")
    desk.bank.cards.unlock(FIRST)
    assert [pay(cvv="000"), pay(cvv="000")] == ["cvv_wrong", "cvv_wrong"]
    desk.order(orders.MerchantPayment, merchant="100200", amount="1.00", cvv=CVV)
    assert pay(cvv="000") == "cvv_wrong"


def test_who_pays_without_a_card_is_asked_for_no_security_code(desk: Counter) -> None:
    desk.order(orders.MerchantPayment, PASSBOOK, merchant="100200", amount="1.00")


def test_an_order_repeated_with_another_security_code_is_the_same_order(desk: Counter) -> None:
    paid = {"merchant": "100200", "amount": "1.00", "key": "key-paid-1"}
    done = desk.order(orders.MerchantPayment, cvv=CVV, **paid)
    assert desk.order(orders.MerchantPayment, cvv="000", **paid) is done


def test_a_security_code_that_cannot_be_read_is_refused_and_counts_as_no_try(desk: Counter) -> None:
    for text in ("12", "12345", "12a"):
        assert desk.refused(orders.MerchantPayment, merchant="100200", amount="1.00", cvv=text) == "pin_unreadable"
    assert desk.bank.cards.find(FIRST).wrong_cvvs == 0


def test_an_order_settled_as_not_booked_is_never_booked(desk: Counter) -> None:
    assert desk.bank.settle("key-lost-1") is None
    assert desk.refused(orders.TransferOrder, key="key-lost-1", to_account=SECOND, amount="1.00") == "key_void"
    done = desk.order(orders.TransferOrder, key="key-known", to_account=SECOND, amount="1.00")
    assert desk.bank.settle("key-known") == done
    assert desk.order(orders.TransferOrder, key="key-known", to_account=SECOND, amount="1.00") is done


@pytest.mark.parametrize(
    ("topic", "item", "value"),
    [
        ("deposit", "time-12", "1.45"),
        ("loan", "pledge", "3.45"),
        ("fee", "transfer", "0.00"),
        ("fee", "loss", "10.00"),
        ("loan", "pledge-share", "90"),
        ("least", "notice", "50000.00"),
        ("least", "JPY", "1000.00"),
        ("deposit", "demand", "0.20"),
        ("exchange", "USD-CNY", "7.1012"),
    ],
)
def test_rates_and_fees_are_told(desk: Counter, topic: Any, item: str, value: str) -> None:
    assert queries.rate(desk.bank, RateQuestion(topic=topic, item=item)) == value
    with pytest.raises(Refused):
        queries.rate(desk.bank, RateQuestion(topic=topic, item="none"))


ANYTHING = st.one_of(
    st.tuples(
        st.just(orders.TransferOrder), st.fixed_dictionaries({"to_account": st.sampled_from([SECOND, "70010001", "x"])})
    ),
    st.tuples(
        st.just(orders.OpenDeposit),
        st.fixed_dictionaries({"kind": st.sampled_from(["time", "flexible"]), "term": st.just(0)}),
    ),
    st.tuples(st.just(orders.BuyBond), st.fixed_dictionaries({"issue": st.just("260136")})),
    st.tuples(
        st.just(orders.Deal),
        st.fixed_dictionaries({"sold": st.sampled_from(["CNY", "USD"]), "bought": st.sampled_from(["USD", "EUR"])}),
    ),
    st.tuples(st.just(orders.MerchantPayment), st.just({"merchant": "100200", "cvv": CVV})),
    st.tuples(st.just(orders.SecuritiesTransfer), st.just({"direction": "out"})),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(ANYTHING, st.integers(1, 2_000_000)), max_size=12))
def test_the_books_balance_whatever_is_ordered(wanted: list[Any]) -> None:
    desk = Counter()
    fill(desk.bank, NOW - timedelta(days=30))
    for (what, more), units in wanted:
        try:
            desk.order(what, **more, amount=f"{units // 100}.{units % 100:02d}")
        except Refused:
            continue
    assert desk.bank.ledger.is_balanced()
