"""What the bank says before an order is confirmed: hours, cut-off times, limits, payees, what an order would come to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bankcore import orders, queries
from bankcore.core.calendar import Calendar
from bankcore.core.exchange import Swap
from bankcore.demo import demo_customers
from bankcore.schemas import EntriesQuestion, MarketRate
from tests.unit.bankcore.counter import NOW, Counter

FIRST, SECOND, RICH, PUBLIC = (one.card_no for one in demo_customers()[:4])
BOOK, CONTRACT, COMPANY = (one.card_no for one in demo_customers()[6:9])


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    """A moment of 2026 by the clock of the bank."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("now", "is_open", "day"),
    [
        (at(2, 9), True, date(2026, 3, 2)),
        (at(2, 8, 59), False, date(2026, 3, 2)),
        (at(2, 15, 30), False, date(2026, 3, 3)),
        # Friday evening, and the eve of a long holiday
        (at(6, 18), False, date(2026, 3, 9)),
        (at(30, 18, month=9), False, date(2026, 10, 8)),
    ],
)
def test_a_closed_business_says_when_it_opens_next(now: datetime, is_open: bool, day: date) -> None:
    found = Calendar().opening("securities", now)
    assert (found.is_open, found.day) == (is_open, day)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (at(2, 16, 59), date(2026, 3, 2)),
        (at(2, 17), date(2026, 3, 3)),
        (at(7, 10), date(2026, 3, 9)),
        (at(30, 17, month=4), date(2026, 5, 6)),
    ],
)
def test_after_the_cut_off_the_next_working_day_counts(now: datetime, day: date) -> None:
    assert Calendar().value_day("company", now) == day


def test_a_companys_transfer_after_the_cut_off_reaches_the_payee_the_next_working_day(desk: Counter) -> None:
    desk.now = at(6, 18)
    before = desk.balance(RICH)
    done = desk.order(orders.TransferOrder, COMPANY, to_account=RICH, amount="1000.00").done
    assert done.day == date(2026, 3, 9)
    assert (desk.balance(COMPANY), desk.balance(RICH)) == (42_400_000, before)
    desk.days(2)
    desk.bank.begin_day(desk.now)
    assert desk.balance(RICH) == before
    desk.days(1)
    desk.bank.begin_day(desk.now)
    desk.bank.begin_day(desk.now)
    assert desk.balance(RICH) == before + 100_000


def test_a_bill_paid_on_a_weekend_reaches_the_biller_on_monday(desk: Counter) -> None:
    desk.now = at(7, 10)
    assert desk.order(orders.BillPayment, kind="water", subscriber="60000001", amount="86.90").done.day == date(
        2026, 3, 9
    )
    assert desk.bank.ledger.balance("bank-bills-water-cny") == 0
    desk.days(2)
    desk.bank.begin_day(desk.now)
    assert desk.bank.ledger.balance("bank-bills-water-cny") == 8_690


def test_a_customer_transfers_to_himself_and_to_whom_he_signed_for_and_to_nobody_else(desk: Counter) -> None:
    desk.order(orders.TransferOrder, to_account=BOOK, amount="1.00")
    desk.order(orders.TransferOrder, to_account=SECOND, amount="1.00")
    assert desk.refused(orders.TransferOrder, to_account=RICH, amount="1.00") == "payee_not_contracted"
    assert desk.refused(orders.TransferOrder, to_account=CONTRACT, amount="1.00") == "same_account"
    assert desk.refused(orders.TransferOrder, to_account="sec-c1001", amount="1.00") == "account_not_found"
    assert [item.reference for item in queries.payees(desk.bank, FIRST).items] == ["0025", "0066"]


@pytest.mark.parametrize(
    ("what", "more"),
    [
        (orders.LossReport, {}),
        (orders.OpenDeposit, {"kind": "time", "term": 3, "amount": "100.00"}),
        (orders.BillPayment, {"kind": "water", "subscriber": "60000001", "amount": "86.90"}),
        (orders.Deal, {"sold": "CNY", "bought": "USD", "amount": "100.00"}),
    ],
)
def test_a_company_may_transfer_and_change_its_password_and_no_more(
    desk: Counter, what: type[orders.Order], more: dict[str, Any]
) -> None:
    assert desk.refused(what, COMPANY, **more) == "not_for_companies"
    desk.order(orders.PinChange, COMPANY, new_pin="860213")


def test_a_public_customer_changes_his_password_and_moves_no_money(desk: Counter) -> None:
    assert (
        desk.refused(orders.BillPayment, PUBLIC, kind="water", subscriber="60000001", amount="86.90")
        == "not_contracted"
    )
    desk.order(orders.PinChange, PUBLIC, new_pin="860213")


def test_a_loss_reported_by_customer_number_is_that_of_the_cards(desk: Counter) -> None:
    desk.order(orders.LossReport, CONTRACT)
    assert (desk.bank.cards.find(FIRST).status, desk.bank.cards.find(BOOK).status) == ("lost", "active")
    assert desk.refused(orders.LossReport, CONTRACT) == "nothing_to_report"


def test_a_card_blocked_between_two_steps_orders_nothing(desk: Counter) -> None:
    desk.bank.cards.block(FIRST)
    assert desk.refused(orders.TransferOrder, to_account=SECOND, amount="1.00") == "card_blocked"


def test_what_is_left_of_a_limit_is_what_was_not_booked(desk: Counter) -> None:
    desk.order(orders.TransferOrder, RICH, to_account=SECOND, amount="20000.00")
    desk.order(orders.TransferOrder, RICH, to_account=SECOND, amount="0.50")
    assert desk.bank.books.limit_left("transfer", "c1003", desk.now) == 2_999_950


def test_a_withdrawal_is_worth_what_was_said_before(desk: Counter) -> None:
    number = desk.order(orders.OpenDeposit, kind="time", term=12, amount="1000.00").done.reference
    early = desk.bank.deposits.taking("c1001", number, 40_000, desk.now + timedelta(days=90))
    assert (early.taken, early.interest, early.is_early, early.due) == (40_000, 20, True, date(2027, 3, 2))
    desk.days(365)
    due = desk.bank.deposits.taking("c1001", number, 0, desk.now)
    assert (due.is_early, due.paid) == (False, desk.order(orders.Withdraw, number=number).done.amount)


def test_a_bond_given_back_early_says_its_cost(desk: Counter) -> None:
    number = desk.order(orders.BuyBond, issue="260136", amount="1000.00").done.reference
    found = desk.bank.deposits.taking("c1001", number, 0, desk.now)
    assert (found.cost, found.paid, found.due) == (100, 99_900, date(2029, 3, 2))


def test_a_deposit_of_the_last_of_august_is_due_on_the_last_of_february(desk: Counter) -> None:
    desk.now = at(31, 10, month=8)
    number = desk.order(orders.OpenDeposit, kind="time", term=6, amount="1000.00").done.reference
    assert desk.bank.deposits.held[number].due == date(2027, 2, 28)


def test_bonds_are_sold_in_the_window_of_their_issue(desk: Counter) -> None:
    assert [item.reference for item in queries.bond_issues(desk.bank, FIRST, desk.now).items] == ["260136", "260160"]
    assert desk.refused(orders.BuyBond, issue="250160", amount="100.00") == "issue_closed"
    desk.days(90)
    assert queries.bond_issues(desk.bank, FIRST, desk.now).items == []
    assert desk.refused(orders.BuyBond, issue="260136", amount="100.00") == "issue_closed"


def test_less_than_the_least_is_left_of_no_deposit(desk: Counter) -> None:
    number = desk.order(orders.OpenDeposit, RICH, kind="notice", term=1, amount="60000.00").done.reference
    desk.order(orders.Notice, RICH, number=number)
    desk.days(1)
    assert desk.refused(orders.Withdraw, RICH, number=number, amount="20000.00") == "left_too_small"
    desk.order(orders.Withdraw, RICH, number=number, amount="10000.00")


def test_interest_on_what_was_paid_back_early_is_not_forgotten(desk: Counter) -> None:
    deposit = desk.order(orders.OpenDeposit, kind="time", term=12, amount="1000.00").done.reference
    loan = desk.order(orders.OpenLoan, number=deposit, amount="900.00").done.reference
    desk.days(100)
    desk.order(orders.Repay, number=loan, amount="400.00")
    desk.days(100)
    # 900 for a hundred days and 500 for another hundred
    assert queries.loan_interest(desk.bank, FIRST, loan, desk.now).amount == "13.41"
    assert desk.order(orders.Repay, number=loan).done.amount == 51_341


def test_so_much_of_a_currency_is_bought_as_was_wanted(desk: Counter) -> None:
    terms = desk.bank.exchange.quote(Swap("CNY", "USD", 10_000, "bought"))
    done = desk.order(orders.Deal, sold="CNY", bought="USD", amount="100.00", amount_of="bought").done
    assert (done.amount, terms.brings) == (10_000, 10_000)
    assert desk.balance() == 1_202_950 - terms.gives == 1_202_950 - 71_327


def test_yen_are_exchanged_whole(desk: Counter) -> None:
    done = desk.order(orders.Deal, sold="CNY", bought="JPY", amount="100.00").done
    assert done.amount % 100 == 0
    assert desk.refused(orders.Deal, sold="JPY", bought="CNY", amount="1000.50") == "amount_not_whole"
    assert desk.refused(orders.Deal, sold="JPY", bought="CNY", amount="999.00") == "amount_too_small"


def test_a_stop_above_the_rate_is_refused_and_an_order_runs_out(desk: Counter) -> None:
    desk.order(orders.Deal, sold="CNY", bought="USD", amount="1000.00")
    wrong = {"sold": "USD", "bought": "CNY", "amount": "10.00", "rate": "7.1", "stop": "7.2"}
    assert desk.refused(orders.RateOrder, **wrong) == "rate_invalid"
    done = desk.order(orders.RateOrder, **{**wrong, "rate": "7.5", "stop": "6.9"}).done
    [told] = queries.exchange_orders(desk.bank, FIRST).items
    assert (told.bought, told.rate, told.stop, told.date) == (
        "CNY",
        "7.5",
        "6.9",
        done.day.isoformat() if done.day else "",
    )
    desk.days(7)
    desk.bank.begin_day(desk.now)
    assert queries.exchange_orders(desk.bank, FIRST).items == []


def test_the_market_carries_out_the_orders_it_reaches(desk: Counter) -> None:
    desk.order(orders.Deal, sold="CNY", bought="USD", amount="1000.00")
    number = desk.order(orders.RateOrder, sold="USD", bought="CNY", amount="10.00", rate="7.5").done.reference
    moved = queries.move_market(desk.bank, MarketRate(currency="USD", bid="7.6", ask="7.7"), desk.now)
    assert moved == [number]


def test_the_entries_of_a_month_are_those_of_that_month(desk: Counter) -> None:
    desk.order(orders.TransferOrder, to_account=SECOND, amount="1.00")
    asked = {"card_no": FIRST, "limit": 10}
    assert len(desk.bank.entries(EntriesQuestion(**asked, month="202603"), NOW)[2]) == 1
    assert len(desk.bank.entries(EntriesQuestion(**asked, month="202601"), NOW)[2]) == 3
    assert desk.bank.entries(EntriesQuestion(**asked, month="202501"), NOW)[2] == []
    assert len(desk.bank.entries(EntriesQuestion(**asked, period="today"), NOW)[2]) == 1
