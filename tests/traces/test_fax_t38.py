"""When a fax of the simulated switch goes by T.38 is as on the real one (``fax_t38.json``, recorded on 1.10.12)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipcc.sim.channels import Message
from tests.unit.sim.bench import Bench

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("fax_t38.json").read_text(encoding="utf-8"))


def told(bench: Bench, uuid: str) -> list[list[str]]:
    events = [event for event in bench.events(uuid) if event.name == "CUSTOM"]
    names = ("fax-t38-status", "fax-success")
    return [
        [str(event.subclass).rpartition(":")[2], *(str(event.headers.get(name, "")) for name in names)]
        for event in events
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['sends']} to {case['receives']}")
def test_both_legs_tell_of_t38_what_the_real_switch_told(case: dict[str, Any]) -> None:
    bench = Bench(fax_asks_for_t38=True)
    given = "".join(f",{name}={value}" for name, value in case["sends"].items())
    dialled = f"{{origination_uuid=sender{given}}}sofia/external/9001@127.0.0.1:5080 &park"
    bench.engine.bgapi("originate", dialled, "j")
    bench.run(0.2)
    receiver = bench.engine.kernel.channels["sender"].far_end
    for name, value in case["receives"].items():
        bench.api("uuid_setvar", f"{receiver} {name} {value}")
    for uuid, application, path in ((receiver, "rxfax", "/f/got.tif"), ("sender", "txfax", "/f/one.tif")):
        assert bench.engine.execute(uuid, Message("execute", application, path, application, lock=True)) == "+OK"
    bench.run(60)
    assert told(bench, "sender") == case["sender"]
    assert told(bench, receiver) == case["receiver"]
