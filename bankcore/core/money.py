"""Money: whole minor units (fen) inside, decimal text with two places outside; never a float."""

from __future__ import annotations

import re
from decimal import Decimal

from ipcc.errors import Invalid

_AMOUNT = re.compile(r"^\d{1,13}(\.\d{1,2})?$")


def minor_units(text: str) -> int:
    """``"12.50"`` as 1250; raises Invalid for anything that is not a positive amount with at most two places."""
    if not _AMOUNT.match(text):
        raise Invalid("amount_invalid", "amount: write it as 12.50, positive, at most two decimal places")
    units = int(Decimal(text) * 100)
    if units == 0:
        raise Invalid("amount_invalid", "amount: must be more than 0.00")
    return units


def decimal_text(units: int) -> str:
    """1250 as ``"12.50"``."""
    return f"{Decimal(units) / 100:.2f}"
