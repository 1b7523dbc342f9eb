"""A customer at the stand-in bank who gives orders, and whose bank's books are looked at after each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bankcore import orders
from bankcore.demo import demo_customers
from bankcore.pin_cipher import PinCipher, seal
from bankcore.usecases import Bank, Movement
from ipcc.errors import Refused
from ipcc.ids import new_id

# a Monday, ten in the morning at the bank
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
CIPHER = PinCipher()
FIRST = demo_customers()[0].card_no
PINS = {demo.card_no: demo.pin for demo in demo_customers()}


@dataclass
class Counter:
    """The bank, and a customer who gives orders."""

    bank: Bank = field(default_factory=lambda: Bank(pins=CIPHER))
    now: datetime = NOW
    serial: int = 0

    def order(self, what: type[orders.Order], /, card_no: str = FIRST, key: str = "", **more: Any) -> Movement:
        """Give an order and look at the books."""
        self.serial += 1
        for secret, carrier in (("new_pin", "new_encrypted_pin"), ("cvv", "encrypted_cvv")):
            if secret in more:
                more[carrier] = seal(CIPHER.public_pem, more.pop(secret), card_no, new_id())
        sealed = seal(CIPHER.public_pem, PINS[card_no], card_no, new_id())
        order = what(card_no=card_no, key_id=CIPHER.key_id, encrypted_pin=sealed, **more)
        try:
            return self.bank.carry_out(order, key or f"key-{self.serial:08d}", self.now)[0]
        finally:
            assert self.bank.ledger.is_balanced()

    def refused(self, what: type[orders.Order], /, card_no: str = FIRST, **more: Any) -> str:
        """Give an order that is not taken; why."""
        with pytest.raises(Refused) as caught:
            self.order(what, card_no, **more)
        return caught.value.code

    def balance(self, card_no: str = FIRST) -> int:
        return self.bank.balance(card_no)[2]

    def days(self, count: int) -> None:
        self.now += timedelta(days=count)
