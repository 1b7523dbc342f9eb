"""The check digit of card numbers (ISO/IEC 7812-1, annex B)."""

from __future__ import annotations


def check_digit(payload: str) -> str:
    """The digit that completes ``payload``."""
    total = 0
    for place, digit in enumerate(reversed(payload)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_valid(number: str) -> bool:
    """Whether ``number`` is 12 to 19 digits of which the last is right."""
    return (
        number.isascii() and number.isdecimal() and 12 <= len(number) <= 19 and check_digit(number[:-1]) == number[-1]
    )
