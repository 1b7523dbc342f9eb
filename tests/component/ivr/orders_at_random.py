"""What an agent has ordered of a flow, at random: values that fit its form."""

from __future__ import annotations

import random
from typing import Any

from bankcore.demo import demo_customers
from ipcc.contracts.order import OrderInput
from services.ivr.core.flow import Flow
from services.ivr.core.ordering import BY, read_inputs


def ordered(flow: Flow, dice: random.Random) -> dict[str, Any]:
    """The fields of a session whose flow was ordered; none for any other flow."""
    if flow.order is None:
        return {}
    given = {name: _value(name, field, dice) for name, field in flow.order.inputs.items()}
    return {"ordered_by": "1001", "private": {**read_inputs(flow.order, given), BY: "1001"}}


def _value(name: str, field: OrderInput, dice: random.Random) -> str:
    known = {"subscriber": "60000001", "merchant": "100200", "issue": "260136", "term": dice.choice(("3", "12", "7"))}
    if name in known:
        return known[name]
    values = {
        "account": [one.card_no for one in demo_customers()],
        "phone": ["13800000001"],
        "number": [str(100001 + dice.randrange(40))],
        "amount": ["100", "10050", "50000", "100000", "99999999999"],
        "rate": ["7.1", "0.14", "1"],
        "currency": ["CNY", "USD", "EUR", "HKD"],
        "date": ["2026-03-02"],
        "choice": list(field.choices),
    }
    return dice.choice(values[field.type])
