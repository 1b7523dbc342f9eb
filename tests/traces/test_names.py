"""Callers' names on the simulated switch are what the real one made of them (``names.json``, recorded on 1.10.12)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipcc.sim.engine import Engine
from ipcc.sim.outputs import PhoneInvited, SimEvent
from ipcc.sim.sip import InboundCall
from tests.live.telephone.message import display_of
from tests.traces import golden

NAMES: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))


def engine() -> Engine:
    return Engine(golden.settings(), golden.STARTED_S)


@pytest.mark.parametrize("row", NAMES["originated"], ids=lambda row: row["given"])
def test_a_name_given_to_originate(row: dict[str, str]) -> None:
    made = engine()
    made.phones.register("1001", "127.0.0.1:6001")
    made.api("originate", f"{{origination_caller_id_name='{row['given']}'}}user/1001 &park()")
    made.advance(golden.STARTED_S + 1)
    outputs = made.take()
    invited = next(output for output in outputs if isinstance(output, PhoneInvited))
    created = next(output for output in outputs if isinstance(output, SimEvent) and output.name == "CHANNEL_CREATE")
    assert created.headers["Caller-Caller-ID-Name"] == row["leg"]
    assert created.headers["Caller-Orig-Caller-ID-Name"] == row["leg_original"]
    assert display_of(f'"{invited.caller_name}" <sip:x>') == row["phone"]


@pytest.mark.parametrize("row", NAMES["displayed"], ids=lambda row: row["given"])
def test_a_name_a_caller_shows(row: dict[str, str]) -> None:
    made = engine()
    made.phones.invite(InboundCall("13900000001", "95500", row["given"], profile="external"))
    made.advance(golden.STARTED_S + 1)
    created = next(o for o in made.take() if isinstance(o, SimEvent) and o.name == "CHANNEL_CREATE")
    assert created.headers["Caller-Caller-ID-Name"] == row["leg"]
    assert created.headers.get("variable_sip_from_display", "") == row["variable"]
