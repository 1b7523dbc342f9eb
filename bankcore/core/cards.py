"""Customers, their cards, and the check of a PIN: three wrong ones in a row lock the card."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from typing import Literal

from bankcore.core.luhn import is_valid
from ipcc.errors import Invalid, NotAllowed, NotFound, NotNow

MAX_WRONG_PINS = 3
MAX_WRONG_CVVS = 3
# ISO/IEC 7813 cards bear three digits, one scheme four
CVV_DIGITS = range(3, 5)
# card numbers have a check digit, passbook, customer and company numbers are shorter and have none
SHORTEST_CARD = 12
_RUN = "01234567890"

# small, because a PIN has a million values at most and the hash only keeps it out of plain sight in memory dumps
_SCRYPT = {"n": 2**11, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class Customer:
    """Who the bank serves; ``language`` is the one he chose to be spoken to in."""

    id: str
    name: str
    segment: Literal["retail", "gold", "vip", "company"]
    language: Literal["zh", "en"]
    is_contracted: bool = True
    mobile: str = field(default="", repr=False)
    """Where his text messages go; empty when he gave none."""


@dataclass(frozen=True)
class Card:
    """What a customer identifies himself with: a card, a passbook, a company's account or a contracted customer's number.

    ``wrong_pins`` and ``wrong_cvvs`` in a row; a right one starts again at 0. A card without ``cvv_hash`` bears no security code.
    """

    number: str = field(repr=False)
    customer_id: str
    account_id: str
    pin_hash: bytes = field(repr=False)
    status: Literal["active", "blocked", "lost"] = "active"
    wrong_pins: int = 0
    access: Literal["card", "passbook", "contract", "company"] = "card"
    points: int = 0
    cvv_hash: bytes = field(default=b"", repr=False)
    wrong_cvvs: int = 0

    @property
    def tail(self) -> str:
        """The last four digits: what may be said and shown."""
        return self.number[-4:]

    @property
    def is_locked(self) -> bool:
        return self.wrong_pins >= MAX_WRONG_PINS


def hash_pin(card_no: str, pin: str) -> bytes:
    """The PIN as stored; the card number is the salt, so that equal PINs of two cards look different."""
    return hashlib.scrypt(pin.encode(), salt=card_no.encode(), **_SCRYPT)


@dataclass
class CardFile:
    """Every customer and card of the bank."""

    customers: dict[str, Customer] = field(default_factory=dict)
    authorised: dict[str, list[tuple[str, int]]] = field(default_factory=dict, repr=False)
    _cards: dict[str, Card] = field(default_factory=dict, repr=False)

    def add(self, card: Card) -> None:
        """Issue a card."""
        self._cards[card.number] = card

    def of(self, customer_id: str) -> list[Card]:
        """All the customer identifies himself with."""
        return [card for card in self._cards.values() if card.customer_id == customer_id]

    def all(self) -> list[Card]:
        """Every card of the bank."""
        return list(self._cards.values())

    def account_of(self, number: str) -> str | None:
        """The account behind a card, passbook, company or customer number; None when it is none of ours."""
        card = self._cards.get(number)
        return card.account_id if card else None

    def find(self, card_no: str) -> Card:
        """The card, whatever its state; raises Invalid for a mistyped number and NotFound. No message repeats the number."""
        if len(card_no) >= SHORTEST_CARD and not is_valid(card_no):
            raise Invalid("card_invalid", "card_no: not a card number, a digit is wrong or missing")
        try:
            return self._cards[card_no]
        except KeyError:
            raise NotFound("card_not_found", "this bank has no such card") from None

    def usable(self, card_no: str) -> Card:
        """The card; raises NotNow ``card_blocked`` when it was blocked or reported lost."""
        card = self.find(card_no)
        if card.status != "active":
            raise NotNow("card_blocked", f"the card is {card.status}", status=card.status)
        return card

    def report_lost(self, card: Card) -> None:
        """From now on nobody can use it; of a customer number the cards behind it, for who has lost his card may not know its number.

        Raises NotNow ``nothing_to_report`` when there is none left.
        """
        lost = (
            [card] if card.access != "contract" else [one for one in self.of(card.customer_id) if one.access == "card"]
        )
        lost = [one for one in lost if one.status == "active"]
        if not lost:
            raise NotNow("nothing_to_report", "there is no card that could be reported lost")
        for one in lost:
            self.add(replace(one, status="lost"))

    def block(self, card_no: str) -> None:
        """What a branch does: nobody can use it until it is unblocked there."""
        self.add(replace(self.find(card_no), status="blocked"))

    def set_pin(self, card_no: str, pin: str) -> None:
        """A PIN of the customer's own choice. Raises Invalid ``pin_weak`` for one digit repeated or a straight run."""
        if len(set(pin)) == 1 or pin in _RUN or pin in _RUN[::-1]:
            raise Invalid("pin_weak", "the PIN is too easy to guess")
        self.add(replace(self.usable(card_no), pin_hash=hash_pin(card_no, pin), wrong_pins=0))

    def check_pin(self, card_no: str, pin: str) -> Card:
        """The card, its count of wrong PINs back at 0. Raises NotAllowed ``pin_wrong`` or ``pin_locked``.

        A locked card is refused even with the right PIN, and says nothing about whether it was right.
        """
        card = self.usable(card_no)
        if card.is_locked:
            raise _locked()
        if hmac.compare_digest(hash_pin(card_no, pin), card.pin_hash):
            self.add(replace(card, wrong_pins=0))
            return card
        self.add(replace(card, wrong_pins=card.wrong_pins + 1))
        left = MAX_WRONG_PINS - card.wrong_pins - 1
        if left == 0:
            raise _locked()
        raise NotAllowed("pin_wrong", "the PIN is wrong", attempts_left=left)

    def check_cvv(self, card_no: str, cvv: str) -> None:
        """Nothing for a card that bears no code. Raises NotAllowed ``cvv_needed``, ``cvv_wrong``, or ``cvv_locked`` after three wrong
        ones in a row: then no payment goes by telephone, with the right one neither.
        """
        card = self.usable(card_no)
        if not card.cvv_hash:
            return
        if card.wrong_cvvs >= MAX_WRONG_CVVS:
            raise _cvv_locked()
        if not cvv:
            raise NotAllowed(
                "cvv_needed", "this card bears a security code, and without it no payment goes by telephone"
            )
        if hmac.compare_digest(hash_pin(card_no, cvv), card.cvv_hash):
            self.add(replace(card, wrong_cvvs=0))
            return
        self.add(replace(card, wrong_cvvs=card.wrong_cvvs + 1))
        left = MAX_WRONG_CVVS - card.wrong_cvvs - 1
        if left == 0:
            raise _cvv_locked()
        raise NotAllowed("cvv_wrong", "the card security code is wrong", attempts_left=left)

    def unlock(self, card_no: str) -> None:
        """Forget wrong PINs and security codes: what a branch does when the customer shows his papers."""
        self.add(replace(self.find(card_no), wrong_pins=0, wrong_cvvs=0))


def _locked() -> NotAllowed:
    return NotAllowed("pin_locked", "the card is locked after too many wrong PINs", attempts_left=0)


def _cvv_locked() -> NotAllowed:
    return NotAllowed("cvv_locked", "payments are locked after too many wrong card security codes", attempts_left=0)
