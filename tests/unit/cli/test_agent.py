"""What the simulated agent orders, as it is written on the command line."""

from __future__ import annotations

import pytest

from ipcc.cli.agent import order_of
from ipcc.errors import Invalid


def test_an_order_is_a_flow_and_its_fields_by_name() -> None:
    inputs = ["to_account=60000001", "amount=10050", "note=a=b"]
    wanted = {"to_account": "60000001", "amount": "10050", "note": "a=b"}
    assert order_of("agent-transfer", inputs) == {"flow": "agent-transfer", "inputs": wanted}
    assert order_of("agent-loss", []) == {"flow": "agent-loss", "inputs": {}}
    assert order_of(None, []) is None


@pytest.mark.parametrize(
    ("flow", "inputs"), [(None, ["amount=1"]), ("agent-transfer", ["amount"]), ("agent-transfer", ["=1"])]
)
def test_what_is_no_order_is_refused(flow: str | None, inputs: list[str]) -> None:
    with pytest.raises(Invalid, match="NAME=VALUE"):
        order_of(flow, inputs)
