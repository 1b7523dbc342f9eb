"""Whole and decimal numbers as they are read in Chinese and English, as prompt ids."""

from __future__ import annotations

from decimal import Decimal

LIANG = "time/2s"
"""Two of something, where it is not er."""


def counted(number: int) -> list[str]:
    """A whole number of something that is counted, such as yuan, in Chinese: two of it are liang."""
    return [LIANG] if number == 2 else chinese_number(number)


def decimal_number(value: Decimal, language: str) -> list[str]:
    """A number below 10^12, digit by digit behind the point."""
    whole, _, rest = f"{abs(value):f}".partition(".")
    rest = rest.rstrip("0")
    said = ["currency/negative"] if value < 0 else []
    said += chinese_number(int(whole)) if language == "zh" else english_number(int(whole))
    return said + (["digits/point", *(f"digits/{digit}" for digit in rest)] if rest else [])


def chinese_number(number: int) -> list[str]:
    """A whole number from 0 below 10^12 as it is read: groups of four by wan and yi, one zero for a gap."""
    if number == 0:
        return ["digits/0"]
    said: list[str] = []
    gap = False
    for unit, name in ((10**8, "digits/100000000"), (10**4, "digits/10000"), (1, "")):
        group, number = divmod(number, unit)
        if group == 0:
            gap = bool(said)
            continue
        if said and (gap or group < 1000):
            said.append("digits/0")
        said += [LIANG] if group == 2 and name else _chinese_group(group, leads=not said)
        gap = False
        if name:
            said.append(name)
    return said


def _chinese_group(group: int, *, leads: bool) -> list[str]:
    said: list[str] = []
    pending_zero = False
    for unit, name in ((1000, "digits/thousand"), (100, "digits/hundred"), (10, "digits/10"), (1, "")):
        digit, group = divmod(group, unit)
        if digit == 0:
            pending_zero = bool(said)
            continue
        if pending_zero:
            said.append("digits/0")
            pending_zero = False
        # ten to nineteen at the very start are read without the one, two thousand with liang
        if not (unit == 10 and digit == 1 and leads and not said):
            said.append(LIANG if digit == 2 and unit == 1000 else f"digits/{digit}")
        if name:
            said.append(name)
    return said


def english_number(number: int) -> list[str]:
    """A whole number from 0 below 10^12 as it is read."""
    if number <= 20:
        return [f"digits/{number}"]
    if number < 100:
        tens, rest = divmod(number, 10)
        return [f"digits/{tens}0", *([f"digits/{rest}"] if rest else [])]
    for unit, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= unit:
            count, rest = divmod(number, unit)
            return [*english_number(count), f"digits/{name}", *(english_number(rest) if rest else [])]
    raise AssertionError(number)
