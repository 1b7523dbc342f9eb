"""A card is locked by three wrong PINs in a row, and nothing tells what the PIN is."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bankcore.core.cards import CardFile
from bankcore.demo import demo_customers, fill
from bankcore.pin_cipher import PinCipher, seal
from bankcore.usecases import Bank
from ipcc.clock import FakeClock
from ipcc.errors import Invalid, NotAllowed, NotFound, NotNow

FIRST, *_ = demo_customers()
LOST = next(demo for demo in demo_customers() if demo.status == "lost")
CIPHER = PinCipher()
NONCE = "0123456789abcdef"


@pytest.fixture
def cards() -> CardFile:
    return new_cards()


def new_cards() -> CardFile:
    bank = Bank()
    fill(bank, FakeClock().now())
    return bank.cards


def code_of(cards: CardFile, pin: str) -> str:
    try:
        cards.check_pin(FIRST.card_no, pin)
    except NotAllowed as refused:
        return refused.code
    return "right"


def test_a_right_pin_after_two_wrong_ones_starts_the_count_again(cards: CardFile) -> None:
    pins = ["000000", "000000", FIRST.pin, "000000", "000000", FIRST.pin]
    assert [code_of(cards, pin) for pin in pins] == ["pin_wrong", "pin_wrong", "right"] * 2


def test_the_third_wrong_pin_locks_and_then_even_the_right_one_is_refused(cards: CardFile) -> None:
    assert [code_of(cards, "000000") for _ in range(3)] == ["pin_wrong", "pin_wrong", "pin_locked"]
    assert code_of(cards, FIRST.pin) == "pin_locked"
    cards.unlock(FIRST.card_no)
    assert code_of(cards, FIRST.pin) == "right"


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.booleans(), max_size=8))
def test_no_sequence_of_tries_gives_more_than_three_wrong_in_a_row(tries: list[bool]) -> None:
    cards = new_cards()
    wrong_in_a_row = 0
    for right in tries:
        result = code_of(cards, FIRST.pin if right else "000000")
        locked = wrong_in_a_row >= 3
        wrong_in_a_row = wrong_in_a_row if locked else (0 if right else wrong_in_a_row + 1)
        assert (result == "pin_locked") == (wrong_in_a_row >= 3)


def test_neither_card_number_nor_pin_shows_when_a_card_is_printed(cards: CardFile) -> None:
    shown = repr(cards) + repr(cards.find(FIRST.card_no)) + repr(CIPHER)
    assert FIRST.card_no not in shown
    assert FIRST.pin not in shown
    assert "pin_hash" not in shown


def test_unknown_mistyped_and_lost_cards_are_told_apart_without_their_number(cards: CardFile) -> None:
    cases = [("6222000000000017"[:-1] + "8", Invalid), ("6222000000009992", NotFound), (LOST.card_no, NotNow)]
    for number, kind in cases:
        with pytest.raises(kind) as refused:
            cards.usable(number)
        assert number not in str(refused.value)


def test_a_sealed_pin_is_opened_once_for_its_card_only() -> None:
    sealed = seal(CIPHER.public_pem, FIRST.pin, FIRST.card_no, NONCE)
    with pytest.raises(Invalid, match="not the encryption"):
        CIPHER.open(CIPHER.key_id, sealed, LOST.card_no)
    assert CIPHER.open(CIPHER.key_id, sealed, FIRST.card_no) == FIRST.pin
    with pytest.raises(Invalid, match="sent before"):
        CIPHER.open(CIPHER.key_id, sealed, FIRST.card_no)


def test_a_pin_for_another_key_asks_for_the_keys_again() -> None:
    with pytest.raises(NotNow, match="GET /v1/keys"):
        CIPHER.open("old", "", FIRST.card_no)


@pytest.mark.parametrize(
    "ciphertext",
    [
        "",
        "***",
        base64.b64encode(b"x" * 256).decode(),
        seal(CIPHER.public_pem, "12x4", FIRST.card_no, NONCE),
        seal(CIPHER.public_pem, "1234", FIRST.card_no, "short"),
        seal(CIPHER.public_pem, "1|2", FIRST.card_no, NONCE),
    ],
)
def test_what_cannot_be_read_is_refused(ciphertext: str) -> None:
    with pytest.raises(Invalid) as refused:
        CIPHER.open(CIPHER.key_id, ciphertext, FIRST.card_no)
    assert refused.value.code == "pin_unreadable"
