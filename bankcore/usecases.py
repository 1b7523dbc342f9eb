"""What the bank does when it is asked; everything is decided in memory, so nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bankcore.core.cards import Card, CardFile, Customer
from bankcore.core.ledger import Entry, Ledger, Posting
from bankcore.core.money import minor_units
from bankcore.pin_cipher import PinCipher
from bankcore.schemas import TransferOrder
from ipcc.errors import Invalid


@dataclass(frozen=True)
class Transfer:
    """A booked movement, and the order it came from (without the PIN) to recognise a repetition."""

    entry: Entry
    order: tuple[str, ...]


@dataclass
class Bank:
    """The bank: cards and ledger; a movement is booked once per idempotency key."""

    cards: CardFile = field(default_factory=CardFile)
    ledger: Ledger = field(default_factory=Ledger)
    pins: PinCipher = field(default_factory=PinCipher)
    _transfers: dict[str, Transfer] = field(default_factory=dict)

    def identify(self, card_no: str) -> tuple[Card, Customer]:
        """Whose card it is; blocked cards are found too, so that an agent can help."""
        card = self.cards.find(card_no)
        return card, self.cards.customers[card.customer_id]

    def verify_pin(self, card_no: str, key_id: str, encrypted_pin: str) -> Card:
        """The card when the PIN is right; see ``CardFile.check_pin`` for refusals."""
        self.cards.usable(card_no)
        return self.cards.check_pin(card_no, self.pins.open(key_id, encrypted_pin, card_no))

    def balance(self, card_no: str) -> tuple[Card, str, int]:
        """Card, currency and minor units."""
        card = self.cards.usable(card_no)
        return card, self.ledger.account(card.account_id).currency, self.ledger.balance(card.account_id)

    def entries(self, card_no: str, limit: int) -> tuple[Card, str, list[Entry]]:
        """Card, currency and the newest entries."""
        card = self.cards.usable(card_no)
        return card, self.ledger.account(card.account_id).currency, self.ledger.recent(card.account_id, limit)

    def transfer(self, order: TransferOrder, key: str, now: datetime) -> tuple[Transfer, bool]:
        """The movement and whether it had been booked before. Raises Invalid when ``key`` was used for another order."""
        told = (order.card_no, order.to_account, order.amount, order.text)
        known = self._transfers.get(key)
        if known is not None:
            if known.order != told:
                raise Invalid("idempotency_key_reused", "this idempotency key belongs to another order")
            return known, True
        units = minor_units(order.amount)
        card = self.verify_pin(order.card_no, order.key_id, order.encrypted_pin)
        if order.to_account == card.account_id:
            raise Invalid("same_account", "to_account: is the account the money comes from")
        postings = [Posting(card.account_id, -units), Posting(order.to_account, units)]
        entries = self.ledger.book(f"t-{len(self._transfers) + 1:08d}", postings, order.text or "transfer", now)
        booked = Transfer(entries[0], told)
        self._transfers[key] = booked
        return booked, False
